"""Migrations of the schema `gc`."""
