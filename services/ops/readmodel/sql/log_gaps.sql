-- Where the log is not what appends make of it: positions from 1 to the head, versions from 1 on in each stream.
SELECT 'positions' AS name,
  format('%s events from %s to %s; the head is %s', count(position), min(position), max(position), h) AS detail
FROM (SELECT position AS h FROM head) AS head LEFT JOIN event ON true
GROUP BY h HAVING count(position) <> h OR coalesce(max(position), 0) <> h
UNION ALL
SELECT stream, format('%s events, the last of version %s', count(*), max(version))
FROM event GROUP BY stream HAVING count(*) <> max(version)
