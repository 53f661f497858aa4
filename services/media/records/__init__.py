"""Videos, who uses them, what a tenant holds and what was answered, as rows."""
