"""The rule catalogue: each rule a function over resolved meaning, its docstring its documentation.

A family (`sudo`, `groups`, `accounts`, `ssh`, `postgres`, `flow`) is a module. Its rules take what
was resolved of one target (or one request) and yield findings; they do not look or ask.
"""
