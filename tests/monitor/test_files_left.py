"""Open files: as many looks at a time as there is room for; none lies for want of one."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROOM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from opskit.outside.transfers import room
print(room(4000), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
NONE_LEFT = """
import os, resource, sys
from pathlib import Path
from opskit.core.clock import SystemClock
from opskit.monitor.kinds import Around
from opskit.monitor.looks import Looks
from tests.monitor.world import catalogue, http
watched = catalogue(shop=http(sys.argv[1])).targets()[0]
looks = Looks(Around(Path(), SystemClock(), {}))
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
try:
    while True:
        os.dup(0)
except OSError:
    pass
looks.start(1, watched.probe)
while not (ended := looks.poll(1.0)):
    pass
print(ended[0].sight.seen, ended[0].sight.reason)
"""


def said(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [(256, 10_000, "4000 4200"), (256, 1_024, "824 1024"), (100, 100, "16 100")],
)
def test_more_files_are_asked_for_and_no_more_looks_begin_than_there_are(
    soft: int, hard: int, expected: str
) -> None:
    assert said(ROOM, str(soft), str(hard)) == expected


def test_without_a_file_left_nothing_is_known() -> None:
    # Nobody listens there either, and that could not be found out.
    assert (
        said(NONE_LEFT, "127.0.0.1:1") == "unknown opskit could not look: no memory or files left"
    )
