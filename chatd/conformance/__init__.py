"""The conformance kit: it plays the server of a client under test, as readable scenarios say, and judges every frame.

It imports `websockets`, `msgpack` and the standard library, and nothing of the server or of the Python client:

    values, patterns, packets    the notation; how a value is sent and matched; the packets that a `$name(...)` makes
    script, steps                the language of scenarios: files with fragments in place, and each line as a step
    codec                        frames to packets and back
    scripted_server, served_room the WebSocket server that a scenario writes the lines of; a room it answers for itself
    checks                       rules that every frame of a client keeps, with schema, limits, cursors and waits
    testee, launch               the client under test, over its standard input and output, or over a WebSocket
    player, conversation, clock  one scenario against one testee
    runner, report, page         all scenarios; JSON, JUnit, and one page
    relay, record, show          a relay between clients and a real server; a transcript of what passed
    faults, comparison, daemon, probe   several testees and a real server whose network breaks
    commands                     the command line
"""
