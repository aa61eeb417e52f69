"""Committed events to connections: hub, fan-out, outbox, heads, receipts, presence."""
