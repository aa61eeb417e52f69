"""The configuration: its model, where values come from, the rules over them, and how they are written down."""
