"""chatd: a real-time chat server. One process, one SQLite file, one WebSocket per phone.

The map of the house; an arrow reads "may import", and a test fails on any other:

    cli -> daemon -> edge, handlers, storage, bus, identity -> ports -> core -> protocol

    protocol/   the vocabulary: requests, pushes, objects, error and close tables, codec
    core/       the rules of chat: synchronous and pure
    ports.py    what the inside needs from the outside, each with its contract
    handlers/   one command, one function: load, decide, store, publish, reply
    storage/    SQLite: one writing connection, group commit, read-only connections for history
    bus/        how committed events reach the sessions: inside one process today
    identity/   who is there: tokens of the host app, keys, built-in accounts
    edge/       bytes: WebSocket connections, outboxes, sessions, HTTP routes
    daemon.py   the composition root: builds the adapters, starts, drains and stops them
    settings.py what of the configuration a running daemon can take over
    config.py   every limit of the daemon, with its unit and the reason for its value
    secret.py   a text that does not show itself
    cli/        argv and environment -> Config -> one action
    client/     the Python client: an independent implementation of protocol.md; client/core/ is what a port translates
"""

__version__ = "0.1.0"
