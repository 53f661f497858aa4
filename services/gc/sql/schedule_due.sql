-- When a plan was last due.
SELECT due FROM schedule WHERE tenant = :tenant
