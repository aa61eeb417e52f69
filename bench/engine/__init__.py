"""The load engine: thousands of connections from one process and core, and what they saw, proved and counted."""
