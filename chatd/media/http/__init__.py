"""HTTP/1.1 of the process of media: connections, heads and bodies, conditions."""
