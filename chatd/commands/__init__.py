"""One command, one function: commands that only read, and the table of all. Changes are decided in core."""
