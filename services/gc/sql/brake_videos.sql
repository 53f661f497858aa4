-- How many videos a tenant has, and their bytes; and how many of them, with how many bytes, are :chosen.
SELECT count(*), coalesce(sum(size + derived), 0), count(*) FILTER (WHERE media_id = ANY(:chosen)),
       coalesce(sum(size + derived) FILTER (WHERE media_id = ANY(:chosen)), 0)
FROM media WHERE tenant = :tenant AND status <> 'deleted'
