-- Sessions that ended a day ago, so that whoever still has their cookie is told so until then.
DELETE FROM session WHERE least(used_at + interval '12 hours', created_at + interval '7 days') < now() - interval '1 day'
