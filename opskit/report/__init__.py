"""Evidence to figures to one model to any form. Knows `core.evidence`, not the slices."""
