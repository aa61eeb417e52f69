"""The load harness: scenarios that measure a daemon from outside and prove that nothing was lost.

Nothing here but `instructions` and one floor imports the daemon's code: its phones are an independent
implementation of protocol.md, and the daemon is started as a subprocess.
"""
