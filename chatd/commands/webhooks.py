"""The delivery of events, as operators and the back end of the host app direct it."""
