"""What may happen, per aggregate: `decide(state, command) → events` and `evolve(state, event) → state`. Pure.

Time, ids and facts about media arrive as arguments. An event that `evolve` does not know raises: a fold never skips.
"""
