"""Garbage collection: says what may go, and why everything else stays. Nothing is removed on its own."""
