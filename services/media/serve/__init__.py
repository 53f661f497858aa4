"""Files over HTTP: ranges, conditions and signed links."""
