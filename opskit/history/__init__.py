"""History: what teams recorded before opskit was there, imported and marked as such."""
