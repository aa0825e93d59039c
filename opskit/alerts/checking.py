"""`alerts check`: rule files read and judged together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opskit.alerts.checks.subject import Around
from opskit.alerts.model import RuleFile
from opskit.alerts.rules import Placed, judged, placed, recorded
from opskit.core.errors import ConfigError
from opskit.core.findings import Finding
from opskit.outside import exposition
from opskit.outside.documents import Document, parse
from opskit.outside.files import open_file, translated
from opskit.outside.models import validate

_LONGEST_PAGE: Final = 64_000_000


@dataclass(frozen=True, slots=True)
class Read:
    """A rule file as it was read; no rules where it has mistakes of form."""

    document: Document
    rules: RuleFile | None

    def placed(self) -> Iterator[Placed]:
        """Yield each rule of it."""
        return iter(()) if self.rules is None else placed(self.rules, self.document)


def rule_files(directory: Path) -> tuple[Path, ...]:
    """Return the rule files below a directory; not its tests, and not the routes."""
    found = sorted((*directory.rglob("*.yaml"), *directory.rglob("*.yml")))
    return tuple(
        path
        for path in found
        if "tests" not in path.relative_to(directory).parts and path != directory / "routes.yaml"
    )


def read(path: Path, name: str) -> Read:
    """Return a rule file.

    Raises:
        ConfigError: it is not there or may not be read.
    """
    document = parse(path, name=name)
    return Read(document, validate(document, RuleFile))


def findings(
    files: Sequence[Read],
    beside: Sequence[Read] = (),
    seen: frozenset[str] | None = None,
    services: frozenset[str] | None = None,
) -> Iterator[Finding]:
    """Yield what is wrong with files; what those BESIDE them record is known, too."""
    records = recorded([one for file in (*beside, *files) for one in file.placed()])
    around = Around(records, seen, services)
    for file in files:
        yield from file.document.findings
        if file.rules is not None:
            yield from judged(file.rules, file.document, around)


def shown(path: Path) -> frozenset[str]:
    """Return the names of the metrics on a page that somebody saved.

    Raises:
        ConfigError: it is not there, or is no page.
    """
    with translated(path), open_file(path) as stream:
        found = exposition.names(stream.read(_LONGEST_PAGE))
    if not found:
        raise ConfigError(f"{path} has no metric", hint="curl http://HOST:PORT/metrics > page.txt")
    return found
