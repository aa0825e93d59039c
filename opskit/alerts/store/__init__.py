"""The tables of alerting, and what is read from and written to each."""
