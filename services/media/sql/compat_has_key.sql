-- Whether a tenant has a video there.
SELECT EXISTS (SELECT FROM video WHERE tenant = :tenant AND key = :key AND ref_count > 0)
