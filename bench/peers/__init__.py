"""Other servers beside the daemon: how each is started and spoken to, and what it does not do."""
