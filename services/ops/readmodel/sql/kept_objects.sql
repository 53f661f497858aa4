-- Files of exports and proxies that the log holds on to: key, bytes, SHA-256, what, whose. An export that was rendered
-- again lies where the older one lay: the last one counts.
(SELECT DISTINCT ON (key) key, size, sha256, 'export' AS what,
   project || '/' || version || '/' || profile AS owner
 FROM export WHERE key IS NOT NULL AND sha256 IS NOT NULL ORDER BY key, finished_at DESC)
UNION ALL
(SELECT v.proxy_key, r.size, r.sha256, 'proxy', v.project || '/' || v.version || '/proxy'
 FROM version v
 JOIN (
   SELECT DISTINCT ON (data ->> 'key') data ->> 'key' AS key, (data ->> 'size')::bigint AS size,
     data ->> 'sha256' AS sha256
   FROM event WHERE type = 'ProxyRendered' ORDER BY data ->> 'key', position DESC
 ) AS r ON r.key = v.proxy_key)
