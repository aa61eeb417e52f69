"""The client without input and output, which a port translates line by line, together with tests/client/core.

Nothing here waits, reads a clock, draws random numbers or knows a socket; time comes in as an argument.
"""
