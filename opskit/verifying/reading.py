"""The file of a report: which form it is, what it carries, and the words it shows.

Whoever wrote the file may have meant harm: everything here has a limit, and what is wrong with a
file is said in a sentence.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.core.errors import DataError, OutsideError
from opskit.core.text import decode
from opskit.outside.files import open_file, translated
from opskit.outside.typed import from_json
from opskit.report.differing import Word
from opskit.report.reader import Reader
from opskit.report.render import carried, json
from opskit.report.render.csv import INPUTS, READER
from opskit.report.render.forms import FORMS, Form
from opskit.verifying import markup, paper, sheets

# A month of a thousand services and a million ledger entries takes less than half of it.
LARGEST = 256 << 20
_MOST_MEMBERS = 2_000


class Damaged(DataError):
    """A file that is a report, and carries inputs that cannot be read any more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file carries: its inputs, what it says is their hash, and whom it was drawn for.

    The last two are not said by every form: empty and None then.
    """

    embedded: bytes
    id: str = ""
    reader: Reader | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How a form is read: how its files begin, what they carry, what people see of them.

    `shown` is what two files are compared by, byte by byte; `words` is the same to be read.
    """

    starts: tuple[bytes, ...]
    claim: Callable[[bytes, str], Claim]
    words: Callable[[bytes], Iterator[Word]]
    shown: Callable[[bytes], bytes] = bytes


@dataclass(frozen=True, slots=True)
class File:
    """A file of a report, and how it is read."""

    name: str
    data: bytes
    form: Form
    reading: Reading

    def claim(self) -> Claim:
        """Return what it carries.

        Raises:
            DataError: nothing that a report could be built from.
            Damaged: it carried that once.
        """
        return self.reading.claim(self.data, self.name)


def read(path: Path) -> File:
    """Return the file of a report.

    Raises:
        ConfigError: it cannot be read.
        DataError: it is no report, or one in a form that carries no inputs.
        OutsideError: it is larger than anything that is looked at.
    """
    with translated(path), open_file(path) as stream:
        if os.fstat(stream.fileno()).st_size > LARGEST:
            raise OutsideError(
                f"{path} is larger than {LARGEST >> 20} MB: it was not looked at",
                hint="verify the JSON or the CSV bundle of the same report",
            )
        data = stream.read(LARGEST + 1)
    start = data[:1_024].lstrip(b"\xef\xbb\xbf \t\r\n")
    for name, reading in READINGS.items():
        if start.startswith(reading.starts):
            form = FORMS[paper.form(data) if name == "pdf" else name]
            return File(str(path), data, form, reading)
    raise DataError(
        f"{path} is no report that can be verified",
        hint=f"a report as {', '.join(READINGS)} carries what it was built from",
    )


def _of_json(data: bytes, name: str) -> Claim:
    return Claim(json.carried(json.read(data, name=name)))


def _json_words(data: bytes) -> Iterator[Word]:
    for number, line in enumerate(decode(data).splitlines(), 1):
        yield Word(f"line {number}", line.strip())


def _of_html(data: bytes, name: str) -> Claim:
    text = decode(data)
    try:
        found = carried.carried(text, name=name)
    except DataError as error:
        if carried.TYPE in text:
            raise Damaged(error.message) from error
        raise
    return Claim(found.embedded, found.id, Reader(found.view, found.team))


def _page_shown(data: bytes) -> bytes:
    return carried.without(decode(data)).encode()


def _of_pdf(data: bytes, name: str) -> Claim:
    return Claim(paper.attached(data, name), reader=paper.reader(data))


def _of_bundle(data: bytes, name: str) -> Claim:
    try:
        found = members(data)
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{name} is no bundle of a report: {error}") from error
    if INPUTS not in found:
        raise DataError(f"{name} carries no {INPUTS}, so it cannot be built again")
    return Claim(found[INPUTS], reader=_reader(found.get(READER, b"")))


def _reader(said: bytes) -> Reader | None:
    """Return whom a bundle says it was drawn for; None where it does not."""
    try:
        return from_json(said, Reader, name=READER)
    except DataError:
        return None


def members(data: bytes) -> Mapping[str, bytes]:
    """Return the files of a zip, as far as they are no more than a report holds.

    Raises:
        ValueError: they are too many or too much, or two have the same name.
        zipfile.BadZipFile: it is no zip.
    """
    found: dict[str, bytes] = {}
    left = LARGEST
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        if len(bundle.infolist()) > _MOST_MEMBERS:
            message = f"it holds more than {_MOST_MEMBERS} files"
            raise ValueError(message)
        for one in bundle.infolist():
            with bundle.open(one) as stream:
                content = stream.read(left + 1)
            left -= len(content)
            if left < 0 or one.filename in found:
                message = "its files unpack to too much, or have the same name"
                raise ValueError(message)
            found[one.filename] = content
    return found


def _bundle_words(data: bytes) -> Iterator[Word]:
    # The figures first: they are what people ask about.
    found = members(data)
    for name in sorted(found, key=lambda name: (name != "figures.csv", name == INPUTS, name)):
        yield from sheets.words(name, decode(found[name]))


READINGS: Mapping[str, Reading] = {
    "json": Reading((b"{",), _of_json, _json_words),
    "html": Reading((b"<!DOCTYPE html>",), _of_html, markup.words, _page_shown),
    "pdf": Reading((b"%PDF-",), _of_pdf, paper.words),
    "csv": Reading((b"PK\x03\x04",), _of_bundle, _bundle_words),
}
