"""Counters, metrics, logs and troubles."""
