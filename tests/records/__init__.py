"""Tests of floor 2: one contract, held on SQLite and on PostgreSQL."""
