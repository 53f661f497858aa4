"""Who asks: the one place that makes an `Actor` of any credential, and the keys that it takes."""
