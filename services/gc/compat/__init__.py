"""The old backend's routes of garbage collection, below `/api/compat/admin/gc`: each is one of ours in another form."""
