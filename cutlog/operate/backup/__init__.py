"""Backups of a stack that runs, and stacks made from them.

A backup is a dump of the database, as of one snapshot of it, with every object that the database names in that
snapshot. The order of things:

1. Objects that the database names are copied, as far as they are not there. Objects are immutable but for films that
   are rendered again, so most of them are what the backup will need.
2. All files are held (`cutlog.db.holds`): the garbage collector moves and removes none from here on.
3. The snapshot is taken: the dump, and the list of the objects that it names.
4. What is still missing is copied. Everything is proven by its SHA-256; what is not there, or not what the snapshot
   says, is looked at again in a newer snapshot.
5. The backup gets its name, and the hold ends.

NATS needs no backup: the relay publishes its stream again from the log.
"""
