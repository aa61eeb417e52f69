"""The client without input and output: a porter translates it line by line, and the tests in tests/client/core too.

Nothing here waits, asks for the time or for chance, or knows a socket; time comes in as an argument.
"""
