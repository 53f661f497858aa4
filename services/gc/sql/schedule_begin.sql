-- A tenant that is new has missed nothing.
INSERT INTO schedule (tenant, due, notified_at) VALUES (:tenant, :due, now()) ON CONFLICT DO NOTHING
