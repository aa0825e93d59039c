"""A job that calls in by a command is known to the probe that waits for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from opskit.core.clock import FrozenClock
from opskit.core.errors import ExitCode
from opskit.monitor.store import beats
from opskit.monitor.store.beats import Word
from opskit.outside.database import Database
from tests.cli.inside import Inside


@pytest.fixture
def backup(ops: Path) -> Path:
    """Return a repository in which a backup must call in each day."""
    probe = {"kind": "heartbeat", "beat": "backup", "every": "1d"}
    services = {"services": {"backup": {"owner": "web", "probes": [probe]}}}
    (ops / "services.yaml").write_text(json.dumps(services))
    return ops


def seen(inside: Inside) -> tuple[str, int]:
    done = inside("monitor", "probe", "backup", "--json")
    return json.loads(done.out)["observations"][-1]["seen"], done.code


def test_what_never_called_in_is_not_known(backup: Path, inside: Inside) -> None:
    assert seen(inside) == ("unknown", ExitCode.UNDETERMINED)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([()], ("up", ExitCode.OK)),
        ([("ok",)], ("up", ExitCode.OK)),
        ([("start",), ("ok",)], ("up", ExitCode.OK)),
        ([("fail",)], ("down", ExitCode.FINDINGS)),
        ([("ok",), ("fail",)], ("down", ExitCode.FINDINGS)),
        ([("fail",), ("ok",)], ("up", ExitCode.OK)),
    ],
)
def test_the_last_word_counts(
    backup: Path, inside: Inside, words: list[tuple[str, ...]], expected: tuple[str, int]
) -> None:
    for word in words:
        assert inside("monitor", "beat", "backup", *word).code == ExitCode.OK
    assert seen(inside) == expected


def test_a_name_that_nobody_waits_for_is_a_mistake(backup: Path, inside: Inside) -> None:
    done = inside("monitor", "beat", "bakcup")
    assert done.code == ExitCode.USAGE
    assert "did you mean 'backup'?" in done.err


def test_what_is_old_is_forgotten_except_the_last_of_each_word(
    database: Database, clock: FrozenClock
) -> None:
    def called(word: Word) -> None:
        with database.write() as connection:
            beats.insert(connection, "backup", clock.now(), word)

    called("ok")
    called("start")
    long_ago = clock.now()
    clock.advance(beats.KEPT + 1)
    called("start")
    with database.read() as connection:
        assert beats.last(connection, "backup", ("ok",)) == (long_ago, "ok")
        assert beats.last(connection, "backup") == (clock.now(), "start")
        assert len(connection.execute(sa.select(beats.BEATS)).all()) == 2
