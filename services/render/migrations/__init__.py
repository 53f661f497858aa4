"""Migrations of the schema `render`."""
