"""argv and environment -> Config -> one action; one file a command group."""
