"""Tests of floor 1: every door, against the real thing behind it."""
