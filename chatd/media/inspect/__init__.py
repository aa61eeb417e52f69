"""`chatd-inspect`: opens hostile bytes, behind fences."""
