"""Bytes: WebSocket connections, frames, handshakes."""
