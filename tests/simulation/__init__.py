"""The whole daemon in one thread, on a clock and a network that a list of small integers decides about.

`python -m tests.simulation --seeds 100` runs it; docs/simulation.md explains its output.
"""
