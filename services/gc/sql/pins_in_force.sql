-- Pins that hold at a moment. The planner puts the query in place of the call, so it costs nothing.
CREATE FUNCTION pins_in_force(moment timestamptz) RETURNS SETOF pin LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM pin WHERE pin.pinned AND (pin.expires_at IS NULL OR pin.expires_at > moment);
END
