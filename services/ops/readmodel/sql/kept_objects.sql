-- Files of exports and proxies that the log holds on to: key, bytes, SHA-256, what, whose, and by which service it can be
-- made again: what another store made can't. A file that was rendered again lies where the older one lay: the last one
-- counts.
(SELECT DISTINCT ON (key) key, size, sha256, 'export' AS what,
   project || '/' || version || '/' || profile AS owner,
   CASE WHEN id IN (SELECT data ->> 'exportId' FROM event WHERE type = 'ExportRendered') THEN 'render' END AS made_by
 FROM export WHERE key IS NOT NULL AND sha256 IS NOT NULL ORDER BY key, finished_at DESC)
UNION ALL
(SELECT v.proxy_key, r.size, r.sha256, 'proxy', v.project || '/' || v.version || '/proxy', r.made_by
 FROM version v
 JOIN (
   SELECT DISTINCT ON (key) key, size, sha256, made_by
   FROM (
     SELECT data ->> 'key' AS key, (data ->> 'size')::bigint AS size, data ->> 'sha256' AS sha256, position,
       'render' AS made_by
     FROM event WHERE type = 'ProxyRendered'
     UNION ALL
     SELECT proxy ->> 'key', (proxy ->> 'size')::bigint, proxy ->> 'sha256', position, NULL
     FROM event, jsonb_array_elements(data -> 'proxies') AS proxy WHERE type = 'ProjectImported'
   ) AS made ORDER BY key, position DESC
 ) AS r ON r.key = v.proxy_key)
