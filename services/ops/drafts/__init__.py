"""Drafts: edits that can be seen before they are made. They are rows, and never in the log."""
