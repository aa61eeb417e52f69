"""Identity: tokens of the host app, keys, passwords of built-in accounts."""
