"""The page at /api/docs: plain HTML, CSS and JavaScript, served as they are."""
