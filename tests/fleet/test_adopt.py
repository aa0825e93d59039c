"""The patch that makes the standard say what a host has: it applies with git, or there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opskit.core.findings import Severity
from opskit.core.redact import MASK
from opskit.fleet.adopt import adopted, patch
from opskit.fleet.model import Control, Drift

PLAY = """- hosts: all
  tasks:
    - name: Configure
      copy:
        content: |
          Port 22
          PermitRootLogin no
          UseDNS no
"""


def drift(before: str, after: str, *, cut: bool = False) -> Drift:
    control = Control("", Severity.LOW)
    return Drift("web1", "Configure", "p.yml:3", "", control, before, after, "b", "a", cut=cut)


WANTED = "Port 22\nPermitRootLogin no\nUseDNS no\n"


@pytest.mark.parametrize(
    ("before", "standard"),
    [
        (WANTED.replace("22", "2222"), PLAY.replace("22", "2222")),
        (WANTED.replace("22", "24").replace("DNS no", "DNS yes"),
         PLAY.replace("22", "24").replace("DNS no", "DNS yes")),
        (WANTED.replace("UseDNS no\n", ""), PLAY.replace("          UseDNS no\n", "")),
        (WANTED.replace("Port 22\n", "Port 22\n# by hand\n").replace("Port 22", "Port 1"),
         PLAY.replace("Port 22", "Port 1\n          # by hand")),
    ],
    ids=["one-line", "two-places", "a-line-less", "a-line-more"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("end", "line"), [("\n", "\n"), ("", "\n"), ("\n", "\r\n")], ids=["lf", "no-end", "crlf"]
)
@pytest.mark.parametrize("name", ["roles/base/site.yml", "two words.yml"])
def test_the_patch_applies_with_git_and_says_what_the_host_has(
    tmp_path: Path, before: str, standard: str, end: str, line: str, name: str
) -> None:
    def written(text: str) -> str:
        return (text.removesuffix("\n") + end).replace("\n", line)

    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(written(PLAY).encode())
    made = patch(drift(before, WANTED), {name: written(PLAY), "other.yml": "Port 80\n"})
    subprocess.run(
        ["git", "apply", "--verbose", "-"],
        cwd=tmp_path, input=made.encode(), check=True, capture_output=True,
    )  # fmt: skip
    assert file.read_bytes() == written(standard).encode()


@pytest.mark.parametrize(
    ("found", "files"),
    [
        (drift("", WANTED), {"p.yml": PLAY}),
        (drift("Port 23\n", "Port 22\n"), {"p.yml": PLAY, "q.yml": "Port 22\n"}),
        (drift("Port 23\n", "Port 22\n"), {"p.yml": "Port 22\nPort 22\n"}),
        (drift("Port 23\n", "Port 22\n"), {"p.yml": "Port {{ port }}\n"}),
        (drift("Port 22\nextra\n", "Port 22\n"), {"p.yml": PLAY}),
        (drift("same\n", "same\n"), {"p.yml": "same\n"}),
        (drift(WANTED.replace("UseDNS no\n", ""), WANTED, cut=True), {"p.yml": PLAY}),
        (drift(f"Port {MASK}\n", "Port 22\n"), {"p.yml": PLAY}),
        (drift("Port 23\n", "Port 22\n"), {}),
    ],
    ids=["missing", "two-files", "twice", "computed", "more", "same", "cut", "redacted", "none"],
)
def test_there_is_no_patch_where_a_person_has_to_decide(
    found: Drift, files: dict[str, str]
) -> None:
    assert adopted(found, files).patch == ""


def test_an_adoption_names_what_it_adopts() -> None:
    found = drift("Port 23\n", "Port 22\n")
    told = adopted(found, {"p.yml": PLAY}).as_json()
    assert (told["deviation"], told["path"]) == (found.id, "p.yml:3")
    assert "+          Port 23\n" in told["patch"]
