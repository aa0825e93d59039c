"""The monitor slice: probes that do not lie, and uptime as a value with bounds."""
