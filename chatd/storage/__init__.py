"""The contract of a store (`interface.py`) and its adapters."""
