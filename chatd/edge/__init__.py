"""Bytes: WebSocket connections, outboxes, sessions, HTTP routes, logs and metrics."""
