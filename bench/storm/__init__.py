"""A daemon dies under load and comes back, and so does everybody: who returns, how politely, and with what."""
