"""Adapters of the Bus port: how committed batches reach other processes."""
