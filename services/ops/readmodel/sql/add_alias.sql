-- Media $3 of tenant $1 is called $2, too, as the event at $4 says.
INSERT INTO media_alias (tenant, alias, media, position) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
