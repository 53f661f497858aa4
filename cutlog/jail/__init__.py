"""Programs that nobody trusts are started by a process of their own, the warden, each in a jail.

The warden is small, has one thread and none of the service's secrets, so what is forked from it shares nothing with the
service but the pipes that it is given.
"""
