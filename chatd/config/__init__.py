"""The configuration: its model, the sources of values, the rules over them, and their written form."""
