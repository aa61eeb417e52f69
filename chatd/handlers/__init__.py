"""One command, one function: load, decide, store, publish, reply. The only code that awaits and decides."""
