"""What a check may say of a host, and what it ends with."""

from __future__ import annotations

import pytest

from opskit.core.errors import ExitCode
from opskit.core.hosts import Verdict


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.COMPLIANT, ExitCode.OK),
        (Verdict.DRIFTED, ExitCode.FINDINGS),
        (Verdict.NOT_EVALUATED, ExitCode.UNDETERMINED),
        (Verdict.UNREACHABLE, ExitCode.UNDETERMINED),
        (Verdict.FAILED, ExitCode.UNDETERMINED),
    ],
)
def test_each_verdict_ends_a_check_with_its_code(verdict: Verdict, code: ExitCode) -> None:
    assert verdict.exit_code is code


def test_only_a_host_that_was_looked_at_and_is_as_wanted_is_green() -> None:
    assert [verdict for verdict in Verdict if verdict.exit_code is ExitCode.OK] == ["compliant"]
