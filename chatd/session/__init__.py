"""The life of one connection: session, dispatcher, keepalive, rate limits."""
