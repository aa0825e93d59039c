"""Intervals, tests and ranges for few and skewed observations; the standard library only. Pure.

Everything that rounds to a printed figure is made of additions, multiplications, divisions and
square roots, which IEEE 754 defines to the last bit: the same input gives the same digits on every
machine. The C library's `log`, `exp` and `lgamma` do not promise that.
"""
