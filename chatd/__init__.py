"""chatd: a real-time chat server. One process, one SQLite file, one WebSocket per phone.

A file is found by two coordinates: the layer is the folder, and the chapter of protocol.md is the name of the file
(connection, sync, history, messages, read_state, presence, rooms, members, users). Folders of infrastructure have
other names, one subject a file. An arrow reads "may import"; a test fails on any other:

    cli -> server -> http, session -> commands -> delivery, jobs -> writer, websocket
        -> storage, bus, auth, webhooks, push, media, search, moderation, web -> egress -> interfaces -> telemetry
        -> env, config -> core -> protocol

The core parts import the contracts of adapters, each an interface.py in its folder, and never an adapter.

    protocol/   the wire: requests, replies, pushes, objects, error and close tables, codec
    core/       the rules of chat: synchronous and pure
    env.py      the interface to time, randomness and timers
    config/     every limit with its unit and reason; the sources of values, the rules over them, their written form
    telemetry/  counters, metrics, logs, troubles
    storage/    SQLite: one writing connection, group commit, read-only connections for history
    bus/        how committed events reach other processes: inside one process today
    auth/       tokens of the host app, keys, passwords of built-in accounts, sessions of browsers
    egress/     requests to addresses outside: where they may go, and the client that sends them
    webhooks/   what the back end of the host app is told, and asked before something is stored
    push/       notifications for phones without a connection: who is told, when, and the protocols of push services
    media/      files of users: uploads, inspection, downloads, in a process beside the daemon
    search/     an index of messages, in a process beside the daemon
    moderation/ filters of the operator: many words in one pass, patterns in linear time
    web/        the pages for browsers: built files of the folder web/ beside this one, and the answers made of them
    writer/     the one write path: load, decide, commit, publish
    delivery/   committed events to connections: hub, fan-out, outbox, heads, receipts, presence
    commands/   the table of all commands; one function for each that only reads
    jobs/       periodic work: maintenance, last seen
    websocket/  bytes: connections, frames, handshakes
    session/    the life of one connection: session, dispatcher, keepalive, rate limits
    http/       listeners and routes: for clients, for operators, for the back end of the host app
    server/     puts the parts together: app, daemon, process, reload
    cli/        one file a command group; cli/chat/ is the terminal client
    conformance/  the kit that tests anybody's client: it plays the server, and imports nothing of chatd
    host/       the Python client of the API, for back ends: it imports nothing of chatd
    client/     the Python client: an independent implementation of protocol.md; client/core/ is what a port translates
"""

__version__ = "0.1.0"
