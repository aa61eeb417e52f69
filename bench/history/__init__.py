"""A database as years of use would have left it: what is in it, how it gets onto the disk, what it costs to read."""
