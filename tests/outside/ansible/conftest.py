"""The same repositories as the tests of the fleet use."""

from tests.fleet.conftest import lay_out, repository

__all__ = ["lay_out", "repository"]
