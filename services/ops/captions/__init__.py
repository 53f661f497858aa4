"""Reads files of captions as players do: keeps what can be shown, and lists with its line what can't.

Pure, and of the standard library alone: it runs in the sandbox, where nothing else can be imported. What it finds is
stored in the log, never the file, so that readers may improve without changing history.
"""
