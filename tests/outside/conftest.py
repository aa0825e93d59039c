"""Hypothesis without a stopwatch: a busy machine must not fail a property."""

from hypothesis import settings

settings.register_profile("calm", settings.default, deadline=None)
settings.load_profile("calm")
