"""The API for the back end of the host app, by chapter; docs/api.md describes it."""
