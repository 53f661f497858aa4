-- Appends take turns on this row; until the transaction ends, there are none.
SELECT position FROM head FOR UPDATE
