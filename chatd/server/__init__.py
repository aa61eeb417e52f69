"""The composition of the daemon, its process, its reload and its clock."""
