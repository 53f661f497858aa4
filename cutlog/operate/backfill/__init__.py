"""Moving in: a legacy store of JSON files and uploads, read and never written, becomes events and objects."""
