"""Floor 0: the vocabulary of operations. Pure, no I/O, standard library only."""
