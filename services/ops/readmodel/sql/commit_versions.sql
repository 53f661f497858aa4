-- Rows of new versions of projects, in order; each of those projects is at its newest then.
CREATE FUNCTION commit_versions(_project text[], _version int[], _position bigint[], _duration int[], _digest text[],
                                _at timestamptz[])
RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO version (project, version, position, duration, digest)
    SELECT * FROM unnest(_project, _version, _position, _duration, _digest);
  UPDATE project SET version = newest.version, duration = newest.duration, updated_at = newest.at
    FROM (
      SELECT DISTINCT ON (id) id, version, duration, at
      FROM unnest(_project, _version, _position, _duration, _at) AS u (id, version, position, duration, at)
      ORDER BY id, position DESC
    ) AS newest
    WHERE project.id = newest.id;
END $$
