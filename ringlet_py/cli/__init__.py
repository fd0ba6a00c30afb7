"""The command line: one file for each command group; each command parses, makes one call, and renders."""
