"""The floors: programs that do only what cannot be left out, measured with the same generator as the daemon."""
