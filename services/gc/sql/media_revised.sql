-- When the renditions of earlier examinations ceased to be used.
SELECT sha256, generation, revised_at FROM media WHERE tenant = :tenant AND revised_at IS NOT NULL
