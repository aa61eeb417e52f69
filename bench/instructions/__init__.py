"""Instructions of the hot path, part by part: the same on every machine of one kind, however busy it is.

`hot_path` imports the daemon, for `micro`, too; `__main__` is the program that valgrind runs; `written` starts it,
reads its counts, and has the numbers in `bench/instructions.toml`.
"""
