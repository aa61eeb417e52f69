"""The vocabulary of the wire, chapter by chapter as protocol.md has it. Pure: no I/O, no clock."""
