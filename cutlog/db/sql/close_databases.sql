-- No role enters a database of this cluster, templates included, unless it is named there.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT datname FROM pg_database LOOP
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name);
    END LOOP;
END
$$;
