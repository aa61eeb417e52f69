"""The store on SQLite: one connection that writes, a few that read, and the schema as numbered SQL files."""
