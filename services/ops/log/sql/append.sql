-- Appends what many clients asked for; the position of the first event, the time of all, and, if one is to `_tell`, their
-- data as stored. The results `_result` are kept under their keys, each with the event that is `_last` of its request,
-- counted from 1.
--
-- The update of `head` makes positions gapless (a rollback gives them back) and puts appends in a line.
-- Raises unique_violation when a version, an id or a key is taken, check_violation when a version would leave a gap.
CREATE FUNCTION append(_stream text[], _version int[], _id uuid[], _type text[], _data text[], _meta text[], _tell boolean,
                       _last int[], _tenant text[], _key text[], _fingerprint text[], _result bytea[])
RETURNS TABLE (first bigint, at timestamptz, data text[]) LANGUAGE plpgsql
-- A plan made while the table was small must not scan it when it is large.
SET enable_seqscan = off AS $$
DECLARE
  n bigint := cardinality(_id);
  skipped text;
BEGIN
  UPDATE head SET position = position + n RETURNING position - n INTO first;
  at := clock_timestamp();
  WITH stored AS (
    INSERT INTO event (position, stream, version, id, type, data, meta, at)
      SELECT first + o, s, v, i, t, d::jsonb, m::jsonb, append.at
      FROM unnest(_stream, _version, _id, _type, _data, _meta) WITH ORDINALITY AS u (s, v, i, t, d, m, o)
    RETURNING event.position, event.data
  )
  SELECT array_agg(s.data::text ORDER BY s.position) INTO data FROM stored s WHERE _tell;
  SELECT s INTO skipped FROM unnest(_stream, _version) AS u (s, v)
    WHERE v > 1 AND (SELECT e.version FROM event e WHERE e.stream = s AND e.version = v - 1) IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE check_violation USING MESSAGE = format('stream %s would have a gap', skipped), CONSTRAINT = 'event_no_gap';
  END IF;
  IF cardinality(_key) > 0 THEN
    INSERT INTO answer (tenant, key, fingerprint, result, position)
      SELECT t, k, f, r, first + l FROM unnest(_tenant, _key, _fingerprint, _result, _last) AS u (t, k, f, r, l);
  END IF;
  first := first + 1;
  RETURN NEXT;
END $$
