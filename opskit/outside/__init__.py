"""Floor 1: one door per foreign thing. Foreign libraries are imported here and nowhere above."""
