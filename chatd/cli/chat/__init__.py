"""`chatd chat`: the terminal client."""
