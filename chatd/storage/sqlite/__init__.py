"""SQLite: one writing connection, group commit, read-only connections for history, numbered SQL files."""
