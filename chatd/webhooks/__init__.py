"""POSTs to the back end of the host app: events that happened, and messages to be judged before they happen."""
