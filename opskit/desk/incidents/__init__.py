"""Incidents: what went wrong, who had it in hand, and what was found out."""
