-- Where the same content lies as well.
SELECT key FROM video WHERE sha256 = :sha256 AND key <> :key AND stored IN ('there', 'archived')
