"""Listeners and routes: for clients, for operators, and for the back end of the host app."""
