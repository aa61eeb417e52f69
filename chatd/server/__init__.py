"""The daemon put together: its parts, its process, its reload, its clock."""
