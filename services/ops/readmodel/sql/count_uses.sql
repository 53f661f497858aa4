-- How many projects use media $1 in any version.
SELECT count(*) FROM media_use WHERE media = $1
