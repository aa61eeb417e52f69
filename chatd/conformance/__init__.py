"""The conformance kit: it plays the server of a client under test, as readable scenarios say, and judges every frame.

It imports `websockets`, `msgpack` and the standard library, and nothing of the server or of the Python client:

    values, packets        the notation of packets and patterns; the packets that a `$name(...)` stands for
    script                 the language of scenarios: lines to steps, fragments, what is wrong and where
    scripted_server        the WebSocket server that a scenario writes the lines of
    checks                 rules that every frame of a client keeps, whatever the scenario
    testee                 the client under test, over its standard input and output, or over a WebSocket
    player                 one scenario against one testee
    runner, report         all scenarios; JSON, JUnit, and one page
    relay, faults, record  a relay between clients and a real server that cuts and delays, or writes down what passed
"""
