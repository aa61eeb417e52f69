"""Adapters of the Store port. SQLite: one writing connection, a few read-only ones, numbered SQL files."""
