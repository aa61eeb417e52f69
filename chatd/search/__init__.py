"""Search in messages: an index that proposes messages, in a process beside the daemon."""
