"""Work that the daemon does by itself."""
