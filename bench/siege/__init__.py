"""Attacks on a daemon, as data, and the process that carries one out beside an honest pair."""
