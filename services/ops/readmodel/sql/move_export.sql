-- Export $1 has status $2 and lies at key $3; null, where it lies nowhere.
UPDATE export SET status = $2, key = $3 WHERE id = $1
