"""The old backend's routes of videos and files, below `/api/compat/`: each is one of ours in another form."""
