"""The bus that carries committed batches to other processes: its contract and its adapters."""
