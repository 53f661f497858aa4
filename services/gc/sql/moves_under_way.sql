-- From where to where files are on their way.
SELECT source, target FROM move WHERE done_at IS NULL
