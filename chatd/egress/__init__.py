"""Requests to addresses outside: the guard of where they may go, and the client that sends them."""
