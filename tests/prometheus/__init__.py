"""Uptime of what a Prometheus recorded: pure parts, a server of our own making, the real one."""
