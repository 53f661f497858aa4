-- What PostgreSQL grants to everybody is taken away; each role gets its own by name. So no role makes large objects,
-- which belong to no schema and no quota, writes messages into the WAL, or runs code in blocks.
DO $$
DECLARE
    routine regprocedure;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    IF has_language_privilege('plpgsql', 'USAGE WITH GRANT OPTION') THEN
        REVOKE ALL ON LANGUAGE plpgsql FROM PUBLIC;
    END IF;
    FOR routine IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND (proname ~ '^lo(_|read$|write$)' OR proname = 'pg_logical_emit_message')
          -- The owner of a managed database may not change what belongs to the server.
          AND has_function_privilege(oid, 'EXECUTE WITH GRANT OPTION')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;
END
$$;
