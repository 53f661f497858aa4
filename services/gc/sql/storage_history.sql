-- The whole tenant by hour and class, [:start, :end).
SELECT hour, class, CAST(sum(objects) AS bigint) AS objects, CAST(sum(bytes) AS bigint) AS bytes,
       CAST(sum(shared) AS bigint) AS shared, CAST(sum(saved) AS bigint) AS saved
FROM storage WHERE tenant = :tenant AND hour >= :start AND hour < :end
GROUP BY hour, class ORDER BY hour, class
