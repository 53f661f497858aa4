-- Media $3 of tenant $1 is not called $2 any more.
DELETE FROM media_alias WHERE tenant = $1 AND alias = $2 AND media = $3
