"""One client of protocol.md, without code of the daemon: connections, subscribers, senders, users who come back."""
