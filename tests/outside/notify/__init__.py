"""Tests of the ways to tell somebody."""
