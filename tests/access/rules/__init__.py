import pytest

pytest.register_assert_rewrite("tests.access.rules.cases")
