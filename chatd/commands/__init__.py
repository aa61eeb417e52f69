"""The commands that only read, one function each, and the table of all commands. Changes are decided in core."""
