"""The one write path: load, decide, commit, publish."""
