"""Tests of history: imports from what teams had before."""
