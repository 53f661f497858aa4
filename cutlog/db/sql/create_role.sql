-- Makes a service's login role and schema, or gives an existing role the password of the settings.
-- Parameters arrive as settings of this transaction, for DDL takes none: cutlog.service, cutlog.password.
-- The role may use its schema, which only migrations of the owner fill; it may create nothing.
DO $$
DECLARE
    service  text := current_setting('cutlog.service');
    role     text := 'cutlog_' || service;
    password text := current_setting('cutlog.password');
BEGIN
    -- Roles belong to the cluster: two databases may be prepared at once.
    PERFORM pg_advisory_xact_lock(hashtextextended(role, 0));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT NOCREATEDB NOCREATEROLE', role);
    END IF;
    EXECUTE format('ALTER ROLE %I PASSWORD %L', role, password);
    EXECUTE format('ALTER ROLE %I SET search_path = %I', role, service);
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', role, '5min');
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', service);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, role);
    -- Temporary tables, in which a projection is made anew beside the one that serves.
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role);
END
$$;
