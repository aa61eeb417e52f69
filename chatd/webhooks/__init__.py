"""Webhooks: what the back end of the host app is told, and what it is asked before something is stored."""
