-- Uses up the code with the hash $1.
DELETE FROM login_code WHERE hash = $1 RETURNING tenant, subject, role, expires_at > clock_timestamp() AS valid
