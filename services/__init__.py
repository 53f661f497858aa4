"""The four services. None imports another; each has its own schema, role, subjects and `bootstrap`."""
