-- Objects that are not what was stored.
SELECT coalesce(sum(cardinality(rotten)), 0) FROM video
