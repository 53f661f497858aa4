"""Proof that the log, the stream, the derived rows and the objects of a stack agree with each other; and mending.

Only what follows from the log is ever mended. A healthy stack at work gives no finding: what may be under way is looked
at twice.
"""
