"""What runs a system: the command line, the supervisor, checks, backups and migrations. Imports everything below."""
