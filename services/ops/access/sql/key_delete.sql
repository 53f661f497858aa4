UPDATE api_key SET deleted_at = clock_timestamp() WHERE id = $1 AND tenant = $2 AND deleted_at IS NULL RETURNING id
