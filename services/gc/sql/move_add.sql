-- An object that no event speaks of is to go.
INSERT INTO move (intent, position, class, object_id, tenant, action, source, actor, at)
VALUES (:intent, :position, :class, :key, :tenant, 'delete', :key, :actor, now())
ON CONFLICT DO NOTHING
