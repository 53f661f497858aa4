"""The Python face of `proto/`: what the services say to each other, and nothing about how they do their work."""
