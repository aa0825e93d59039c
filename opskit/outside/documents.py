"""Files a user writes: strict YAML into plain values, every mistake with its line and column.

YAML is read as YAML 1.2 reads it: `NO` is a string, `22:22` is a string, `2024-13-45` is a
string. Duplicate keys, unknown tags, alias bombs, endless nesting and oversized files are
refused before anything is built from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from opskit.core.findings import Finding, Location, Severity
from opskit.core.text import clean, shorten
from opskit.outside.files import open_file, translated

MAX_BYTES = 4_000_000
MAX_DEPTH = 64
MAX_NODES = 200_000

KeyPath = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?\Z")
_CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAG = "tag:yaml.org,2002:"
# What YAML's own rules give plain text, lists and mappings; a tag a user wrote is none of them.
_PLAIN_TAGS = frozenset(
    f"{_TAG}{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
)
# What YAML 1.2 cannot hold (section 5.1, c-printable, turned round).
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Document:
    """A parsed file: plain values and, for each key path, where it stands."""

    path: str
    value: object = None
    places: dict[KeyPath, Location] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    any_tag: bool = False

    def place(self, key_path: KeyPath) -> Location:
        """Return where a key path stands, or the nearest place above it that is known."""
        while key_path and key_path not in self.places:
            key_path = key_path[:-1]
        return self.places.get(key_path, Location(self.path, 1, 1))


def summary(name: str, findings: Sequence[Finding]) -> str:
    """Return in words that something has mistakes."""
    count = len(findings)
    return f"{name} has {'a mistake' if count == 1 else f'{count} mistakes'}"


def parse(path: Path, *, name: str = "", any_tag: bool = False) -> Document:
    """Return the plain values of a YAML file; mistakes are in `findings`, none is raised.

    `any_tag` lets tags like Ansible's `!vault` stand, their value kept as text.

    Raises:
        ConfigError: the file is not there or may not be read.
    """
    document = Document(name or str(path), any_tag=any_tag)
    text = _text(document, path)
    if text is not None:
        with _reported(document):
            _refuse_bombs(text)
            node = yaml.compose(text, Loader=yaml.CSafeLoader)
            if node is not None:
                document.value = _Builder(document).build(node, ())
    return document


def parse_all(path: Path, *, name: str = "") -> tuple[Document, ...]:
    """Return each document of a YAML file that may hold several; empty ones are left out.

    Mistakes are in their `findings`; one that is none of theirs alone stands before them.

    Raises:
        ConfigError: the file is not there or may not be read.
    """
    whole = Document(name or str(path))
    found: list[Document] = []
    text = _text(whole, path)
    if text is not None:
        with _reported(whole):
            _refuse_bombs(text)
            nodes = 0
            for node in yaml.compose_all(text, Loader=yaml.CSafeLoader):
                one = Document(whole.path)
                # One budget for all: many small bombs are a big one.
                builder = _Builder(one, nodes)
                one.value = builder.build(node, ())
                nodes = builder.nodes
                found += [] if one.value is None and not one.findings else [one]
    return (whole, *found) if whole.findings else tuple(found)


def _text(document: Document, path: Path) -> str | None:
    """Return a file's text, or nothing after saying why it is none."""
    with translated(path), open_file(path) as stream:
        raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        message = f"larger than {MAX_BYTES:,} bytes"
        report(document, "file-too-large", Location(document.path), "", message)
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        message = f"not UTF-8: byte 0x{raw[error.start]:02x}; save the file as UTF-8"
        report(document, "file-encoding", Location(document.path, line, column), "", message)
        return None
    unreadable = _UNREADABLE.search(text)
    if unreadable:
        _report_unreadable(document, text, unreadable.start())
        return None
    return text


@contextmanager
def _reported(document: Document) -> Iterator[None]:
    """Turn what stops the reading of a file into a finding."""
    try:
        yield
    except _Bomb as error:
        report(document, error.rule, _location(document, error.mark), "", str(error))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or "not valid YAML"
        report(document, "file-syntax", _location(document, mark), "", clean(str(problem)))


def _report_unreadable(document: Document, text: str, at: int) -> None:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0].rstrip("\r")
    place = Location(document.path, text.count("\n", 0, at) + 1, at - start + 1)
    message = f"holds control characters: {shorten(clean(line), 40)}"
    report(document, "file-control-character", place, "", message)


class _Bomb(Exception):
    def __init__(self, rule: str, message: str, mark: Any) -> None:  # noqa: ANN401  # yaml has two mark classes
        super().__init__(message)
        self.rule = rule
        self.mark = mark


def _refuse_bombs(text: str) -> None:
    """Walk the events, which need no recursion, and stop at what would hurt to build."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep"
            raise _Bomb("file-too-deep", message, event.start_mark)


def _location(document: Document, mark: Any) -> Location:  # noqa: ANN401  # as above
    return (
        Location(document.path, mark.line + 1, mark.column + 1)
        if mark
        else Location(document.path, 1, 1)
    )


def report(
    document: Document, rule: str, place: Location, subject: str, message: str, fix: str = ""
) -> None:
    """Add a mistake to what was found."""
    document.findings.append(Finding(rule, Severity.HIGH, subject, message, place, fix))


class _Builder:
    """Builds plain values from nodes. A budget of nodes makes an alias bomb a finding."""

    def __init__(self, document: Document, nodes: int = 0) -> None:
        self.document = document
        self.nodes = nodes
        self.open: set[int] = set()

    def build(self, node: yaml.Node, key_path: KeyPath) -> object:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            message = f"expands to more than {MAX_NODES:,} values (an alias bomb?)"
            raise _Bomb("file-too-many-values", message, node.start_mark)
        if len(key_path) > MAX_DEPTH or id(node) in self.open:
            message = f"nested more than {MAX_DEPTH} levels deep"
            raise _Bomb("file-too-deep", message, node.start_mark)
        self.open.add(id(node))
        try:
            return self._build(node, key_path)
        finally:
            self.open.discard(id(node))

    def _build(self, node: yaml.Node, key_path: KeyPath) -> object:
        self.document.places.setdefault(key_path, _location(self.document, node.start_mark))
        if str(node.tag) not in _PLAIN_TAGS and not self.document.any_tag:
            message = f"tag {clean(str(node.tag))} is not allowed here"
            place = _location(self.document, node.start_mark)
            report(self.document, "file-tag", place, dotted(key_path), message)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key_path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*key_path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node, key_path)

    def _mapping(self, node: yaml.MappingNode, key_path: KeyPath) -> dict[str, object]:
        built: dict[str, object] = {}
        for key_node, value_node in node.value:
            place = _location(self.document, key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                report(
                    self.document, "file-key", place, dotted(key_path), "a key must be plain text"
                )
                continue
            key = str(key_node.value)
            child = (*key_path, key)
            if key in built:
                first = self.document.places[child].line
                message = f"key {clean(key)!r} is written twice, first on line {first}"
                report(self.document, "file-duplicate-key", place, dotted(child), message)
                continue
            self._refuse_control(key, place, child)
            self.document.places[child] = place
            built[key] = self.build(value_node, child)
        return built

    def _scalar(self, node: yaml.Node, key_path: KeyPath) -> object:
        text = str(node.value)
        place = _location(self.document, node.start_mark)
        if str(node.tag) not in _PLAIN_TAGS:
            return text
        self._refuse_control(text, place, key_path)
        quoted = bool(getattr(node, "style", None))
        return text if quoted else _plain(text)

    def _refuse_control(self, text: str, place: Location, key_path: KeyPath) -> None:
        if clean(text, keep="\n\t") != text:
            message = f"holds control characters: {shorten(clean(text), 40)}"
            report(self.document, "file-control-character", place, dotted(key_path), message)


def _plain(text: str) -> object:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text) and len(text) <= 18:  # fits 64 bits; longer stays text
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def dotted(key_path: KeyPath) -> str:
    """Return a key path as a user would write it."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{clean(part)}" for part in key_path)
    return "".join(parts).removeprefix(".")
