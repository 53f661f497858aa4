-- `append` for events each of which is a new version of a project and changes nothing else, with the rows of the versions:
-- one statement, so that others wait for `head` no longer than the server takes.
CREATE FUNCTION append_versions(_stream text[], _version int[], _id uuid[], _type text[], _data text[], _meta text[],
                                _tell boolean, _last int[], _tenant text[], _key text[], _fingerprint text[],
                                _result bytea[], _number int[], _duration int[], _digest text[])
RETURNS TABLE (first bigint, at timestamptz, data text[]) LANGUAGE plpgsql AS $$
BEGIN
  SELECT * INTO first, at, data FROM append(_stream, _version, _id, _type, _data, _meta, _tell,
                                            _last, _tenant, _key, _fingerprint, _result);
  PERFORM commit_versions(
    array_agg(substr(s, strpos(s, '.') + 1) ORDER BY o), _number, array_agg(append_versions.first - 1 + o ORDER BY o),
    _duration, _digest, array_agg(append_versions.at)
  ) FROM unnest(_stream) WITH ORDINALITY AS u (s, o);
  RETURN NEXT;
END $$
