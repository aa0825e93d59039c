"""opskit: infrastructure operations with evidence."""

__version__ = "0.1.0"
