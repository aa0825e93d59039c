"""What Alertmanager says, takes and is configured with: its words, and opskit's for the same."""
