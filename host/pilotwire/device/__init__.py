"""A charger at the end of a serial line: which ports there are, and its raw REPL."""
