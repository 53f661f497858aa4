"""ops: the edits, the log, and the history of projects."""
