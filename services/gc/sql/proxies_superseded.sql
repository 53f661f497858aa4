-- Proxies that may have to be folded: the rule is asked about each. What another store made might not be made again.
SELECT p.project_id, p.version, p.key, project.tenant, clock_timestamp() AS at
  FROM proxy AS p JOIN project USING (project_id)
 WHERE NOT p.deleted AND project.deleted_at IS NULL AND p.version < project.version AND p.frames > 0
   AND p.rendered_at <= clock_timestamp() - make_interval(secs => :after)
   AND EXISTS (
    SELECT FROM proxy AS newer
    WHERE newer.project_id = p.project_id AND newer.version > p.version AND NOT newer.deleted
   )
   AND NOT EXISTS (
    SELECT FROM pin
    WHERE pin.project_id = p.project_id AND pin.version = p.version AND pin.pinned
      AND (pin.expires_at IS NULL OR pin.expires_at > clock_timestamp())
   )
   AND p.project_id || ' ' || p.version <> ALL (:passed)
 ORDER BY p.rendered_at LIMIT :page
