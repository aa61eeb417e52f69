"""WebSocket connections as bytes: handshakes, frames, admission."""
