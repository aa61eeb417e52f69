"""The subcommands: each module says its options, prepares, lets the engine or a play run, and reports."""
