"""Bringing what was read into the records: each row once, a changed one as a new version.

Two imports at once cannot harm each other: each batch first takes the ledger for itself, then
looks what is there. An import that broke off is run again; what it brought is not brought twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from opskit.core.errors import ConfigError, Refused
from opskit.history import store
from opskit.history.model import Import, Read, Row, Use, what
from opskit.outside.database import Database
from opskit.records.ledger import Draft, Ledger, hold

# Others wait for the ledger while a batch is written: this many take well under a second.
_BATCH = 200
NEW, CHANGED, SAME, OLDER = "new", "changed", "same", "older"


@dataclass(frozen=True)
class Imports:
    """Where imports are kept."""

    database: Database
    ledger: Ledger

    def keep(self, read: Read) -> Import:
        """Keep all rows of a file, and return the import.

        Raises:
            Refused: it holds no row.
        """
        if read.covers is None:
            raise Refused(
                f"nothing of {read.file} can be imported",
                hint="see what was left out, and why: --dry-run",
            )
        number = self._begin(read)
        counts: Counter[str] = Counter(dict.fromkeys((NEW, CHANGED, SAME, OLDER), 0))
        for batch in _batches(read.rows):
            counts.update(self._batch(number, read.source, batch))
        self._finish(number, read, counts)
        return self.one(number)

    def compare(self, read: Read) -> Counter[str]:
        """Return what keeping a file would bring, without keeping it."""
        counts: Counter[str] = Counter(dict.fromkeys((NEW, CHANGED, SAME, OLDER), 0))
        with self.database.read() as connection:
            for batch in _batches(read.rows):
                held = store.versions(connection, read.source, [row.key for row in batch])
                counts.update(_verdict(row, held.get(row.key)) for row in batch)
        return counts

    def list(self) -> tuple[Import, ...]:
        """Return every import, oldest first."""
        with self.database.read() as connection:
            return store.imports(connection)

    def beside(self, read: Read) -> tuple[str, ...]:
        """Return the other sources whose imports tell of the same kind of thing and time.

        Logs are each of one host and program, and so never of the same thing.
        """
        if read.covers is None or isinstance(read.rows[0], Use):
            return ()
        kind, own = what(read.rows[0]), read.covers
        others = {
            one.source
            for one in self.list()
            if one.what == kind
            and one.source != read.source
            and one.state == "finished"
            and one.covers.start < own.end
            and one.covers.end > own.start
        }
        return tuple(sorted(others))

    def one(self, number: int) -> Import:
        """Return one import.

        Raises:
            ConfigError: there is none of that number.
        """
        found = next((one for one in self.list() if one.id == number), None)
        if found is None:
            raise ConfigError(f"there is no import {number}", hint="opskit import list")
        return found

    def undo(self, number: int) -> Import:
        """Take an import out of what holds; what it replaced holds again.

        Raises:
            ConfigError: there is none of that number.
            Refused: it is undone already.
        """
        found = self.one(number)
        with self.database.write() as connection:
            if not store.undo(connection, number, self.ledger.now()):
                raise Refused(f"import {number} is undone already", hint="opskit import list")
            told = {"source": found.source, "file": found.file, "sha256": found.sha256}
            self.ledger.append(connection, "import.undone", _subject(number), told)
        return self.one(number)

    def _begin(self, read: Read) -> int:
        assert read.covers is not None  # noqa: S101  # looked at before
        kind = what(read.rows[0])
        with self.database.write() as connection:
            number = store.begin(
                connection, source=read.source, kind=kind, file=read.file, sha256=read.sha256,
                covers=read.covers, at=self.ledger.now(),
            )  # fmt: skip
            told = {
                "source": read.source, "file": read.file, "sha256": read.sha256, "what": kind,
                "from": read.covers.start, "until": read.covers.end, "rows": len(read.rows),
            }  # fmt: skip
            self.ledger.append(connection, "import.begun", _subject(number), told)
        return number

    def _batch(self, number: int, source: str, batch: Sequence[Row]) -> Counter[str]:
        with self.database.write() as connection:
            hold(connection)
            keys = [row.key for row in batch]
            held = store.versions(connection, source, keys)
            last = store.last_numbers(connection, source, keys)
            verdicts = [(row, _verdict(row, held.get(row.key))) for row in batch]
            fresh = [row for row, verdict in verdicts if verdict in (NEW, CHANGED)]
            drafts = [_draft(number, source, row, held.get(row.key)) for row in fresh]
            told = self.ledger.extend(connection, drafts)
            store.add(
                connection, number, source,
                [
                    store.Next(row, last.get(row.key, 0) + 1, entry.seq)
                    for row, entry in zip(fresh, told, strict=True)
                ],
            )  # fmt: skip
        return Counter(verdict for _, verdict in verdicts)

    def _finish(self, number: int, read: Read, counts: Counter[str]) -> None:
        told = {**counts, "left_out": sum(read.left_out.counts.values())}
        with self.database.write() as connection:
            store.finish(connection, number, told, self.ledger.now())
            reasons = dict(read.left_out.counts)
            entry = {"file": read.file, "sha256": read.sha256, "counts": told, "left_out": reasons}
            self.ledger.append(connection, "import.finished", _subject(number), entry)


def _subject(number: int) -> str:
    return f"import/{number}"


def _draft(number: int, source: str, row: Row, before: store.Version | None) -> Draft:
    told: dict[str, object] = {
        "import": number, "source": source, "key": row.key, "row": store.text_of(row),
    }  # fmt: skip
    if before is not None:
        told["supersedes"] = before.seq
    return Draft(f"{what(row)}.imported", f"{source}/{row.key}", told)


def _verdict(row: Row, held: store.Version | None) -> str:
    if held is None:
        return NEW
    if store.digest_of(row) == held.digest:
        return SAME
    if row.as_of is not None and held.as_of is not None and row.as_of < held.as_of:
        return OLDER
    return CHANGED


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    left = iter(rows)
    while batch := tuple(islice(left, _BATCH)):
        yield batch
