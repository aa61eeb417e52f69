"""The packets of the wire by chapter of protocol.md, and their encoding. Pure: no I/O, no clock."""
