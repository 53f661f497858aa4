-- The newest policy of the tenant; that of :system where it has none of its own.
SELECT policy FROM policy WHERE tenant IN (:tenant, :system) ORDER BY tenant = :system, version DESC LIMIT 1
