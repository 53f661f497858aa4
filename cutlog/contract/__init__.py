"""The Python face of `proto/`: what the services say to each other, not how they work."""
