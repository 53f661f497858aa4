"""Migrations of the schema `media`."""
