INSERT INTO brought (tenant, source, legacy_id, run, video_id, refs, alias, name, made_at, metadata)
VALUES (:tenant, :source, :legacy_id, :run, :video_id, :refs, :alias, :name, :made_at, CAST(:metadata AS jsonb))
