"""The one ordered series of schema changes."""
