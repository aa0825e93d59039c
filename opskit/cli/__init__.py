"""Floor 7: the command line. Each command parses, makes one call, renders."""
