-- Appends what many clients asked for; the position of the first event, and the time of all.
--
-- The update of `head` makes positions gapless (a rollback gives them back) and puts appends in a line.
-- Raises unique_violation when a version or an id is taken, check_violation when a version would leave a gap.
CREATE FUNCTION append(_stream text[], _version int[], _id uuid[], _type text[], _data text[], _meta text[])
RETURNS TABLE (first bigint, at timestamptz) LANGUAGE plpgsql
-- A plan made while the table was small must not scan it when it is large.
SET enable_seqscan = off AS $$
DECLARE
  n bigint := cardinality(_id);
  skipped text;
BEGIN
  UPDATE head SET position = position + n RETURNING position - n INTO first;
  at := clock_timestamp();
  INSERT INTO event (position, stream, version, id, type, data, meta, at)
    SELECT first + o, s, v, i, t, d::jsonb, m::jsonb, append.at
    FROM unnest(_stream, _version, _id, _type, _data, _meta) WITH ORDINALITY AS u (s, v, i, t, d, m, o);
  SELECT s INTO skipped FROM unnest(_stream, _version) AS u (s, v)
    WHERE v > 1 AND (SELECT e.version FROM event e WHERE e.stream = s AND e.version = v - 1) IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE check_violation USING MESSAGE = format('stream %s would have a gap', skipped), CONSTRAINT = 'event_no_gap';
  END IF;
  first := first + 1;
  RETURN NEXT;
END $$
