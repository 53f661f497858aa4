SELECT id, tenant, key FROM upload WHERE lease_until < clock_timestamp()
