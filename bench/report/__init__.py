"""Results after the run: read back from result files, drawn on a page or in a picture, compared."""
