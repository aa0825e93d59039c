"""Benchmarks: each a ratio against a peer in the same run, medians of interleaved runs."""
