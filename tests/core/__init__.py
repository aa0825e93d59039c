"""Tests of floor 0: pure vocabulary, so tables and properties."""
