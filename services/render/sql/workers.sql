-- Workers that something is running at.
SELECT worker FROM job WHERE status = 'running' UNION SELECT worker FROM part WHERE status = 'running'
