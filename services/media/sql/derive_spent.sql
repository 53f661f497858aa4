-- An attempt worked on a video for :ran seconds, which count for it and for its tenant; what was long ago fades.
WITH worked AS (
  UPDATE video SET worked = worked + :ran WHERE id = :id RETURNING tenant
)
INSERT INTO spent (tenant, seconds, at) SELECT tenant, :ran, clock_timestamp() FROM worked
ON CONFLICT (tenant) DO UPDATE
   SET seconds = spent.seconds * exp(extract(epoch FROM spent.at - excluded.at) / 60) + excluded.seconds,
       at = excluded.at
