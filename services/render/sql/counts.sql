SELECT kind, status, count(*) AS jobs FROM job GROUP BY kind, status ORDER BY kind, status
