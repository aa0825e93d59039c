"""What the command line says of itself is what it does."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import opskit
from opskit.cli.commands import Examples, Group
from opskit.cli.main import cli
from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.rig.plugin import require

README = Path(__file__).resolve().parents[2] / "README.md"
GUIDES = (README, README.parent / "access" / "README.md")
SHELL_WORDS = (">", "|", "&&", ";", "#")


@dataclass(frozen=True)
class Node:
    """A command in the tree, by the words that lead to it."""

    words: tuple[str, ...]
    command: click.Command


def walk(command: click.Command = cli, words: tuple[str, ...] = ()) -> Iterator[Node]:
    """Yield every command, groups included."""
    yield Node(words, command)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from walk(child, (*words, name))


NODES = list(walk())
PARAMETERS = [pytest.param(node, id=" ".join(node.words) or "opskit") for node in NODES]


def typed(example: str) -> list[list[str]]:
    """Return the opskit commands in a line that a person types, without what the shell takes."""
    command = re.split(r"\s{2,}", example.strip())[0]
    found: list[list[str]] = []
    for part in re.split(r"\s(?:&&|\|)\s", command):
        words = shlex.split(part, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words.pop(0)
        if words[:1] == ["opskit"]:
            end = next((at for at, word in enumerate(words) if word in SHELL_WORDS), len(words))
            found.append(words[1:end])
    return found


def parse(words: list[str]) -> tuple[str, ...]:
    """Return the command that `words` lead to, after its own parser took the options.

    Values are not looked at: a file in an example need not be there.
    """
    command: click.Command = cli
    path: tuple[str, ...] = ()
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, words = words[0], words[1:]
        path = (*path, name)
        child = command.get_command(click.Context(command), name)
        assert child is not None, f"there is no command {' '.join(path)}"
        command = child
    command.make_parser(click.Context(command)).parse_args(list(words))
    return path


@pytest.mark.parametrize("node", PARAMETERS)
def test_help_starts_with_examples(inside: Inside, node: Node) -> None:
    done = inside(*node.words, "--help")
    assert (done.code, done.err) == (ExitCode.OK, "")
    lines = done.out.splitlines()
    assert lines[0] == "Examples:"
    usage = next(at for at, line in enumerate(lines) if line.startswith("Usage: opskit"))
    assert [line.strip() for line in lines[1:usage] if line.strip()]


@pytest.mark.parametrize("node", PARAMETERS)
def test_every_example_can_be_typed_as_it_stands(node: Node) -> None:
    assert isinstance(node.command, Examples)
    assert node.command.examples
    for example in node.command.examples:
        if not example.startswith("#"):
            commands = typed(example)
            assert commands, example
            for words in commands:
                parse(words)


@pytest.mark.parametrize("node", PARAMETERS)
def test_examples_of_a_command_are_of_that_command(node: Node) -> None:
    assert isinstance(node.command, Examples)
    reached = [parse(words) for line in node.command.examples for words in typed(line)]
    assert any(path[: len(node.words)] == node.words for path in reached)


@pytest.mark.parametrize("node", PARAMETERS)
def test_help_says_what_each_option_is_for(node: Node) -> None:
    options = [one for one in node.command.params if isinstance(one, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize(
    "node",
    [one for one in PARAMETERS if len(one.values[0].words) == 1],  # type: ignore[union-attr]
)
def test_the_listing_says_of_a_command_what_the_command_says(node: Node) -> None:
    # The listing is written down a second time, so that it need not import every command.
    assert isinstance(cli, Group)
    assert cli.lazy[node.words[0]][1] == node.command.short_help


def test_the_listing_has_every_command(inside: Inside) -> None:
    out = inside("--help").out
    listed = re.findall(
        r"^  (\w+) +\S", out.partition("Commands:")[2].partition("Exit codes:")[0], re.MULTILINE
    )
    assert listed == [node.words[0] for node in NODES if len(node.words) == 1]


def test_help_lists_every_exit_code(inside: Inside) -> None:
    text = " ".join(inside("--help").out.partition("Exit codes:")[2].split())
    assert [int(code) for code in re.findall(r"\b\d+\b", text)] == [int(code) for code in ExitCode]


def test_the_readme_lists_every_exit_code() -> None:
    text = README.read_text(encoding="utf-8")
    require(None if text.strip() else "README.md is not written yet")
    listed = re.findall(
        r"^\s*(?:\||[-*])\s*`?(\d{1,3})`?\s*(?:\||[:\u2013\u2014-])", text, re.MULTILINE
    )
    assert sorted(map(int, listed)) == [int(code) for code in ExitCode]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.parent.name)
def test_commands_in_a_guide_can_be_typed(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    lines = re.findall(r"^\s*(?:\$ )?(opskit .+)$", text, re.MULTILINE)
    lines += re.findall(r"`(opskit [^`]+)`", text)
    for line in lines:
        for words in typed(line):
            parse(words)


def hints() -> Iterator[tuple[str, str]]:
    """Yield every string of the source that names an opskit command, with where it stands."""
    names = "|".join(sorted(node.words[0] for node in NODES if len(node.words) == 1))
    root = Path(opskit.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                for found in re.finditer(rf"opskit (?:{names})\b[^,;'`()\n]*", one.value):
                    yield f"{path.relative_to(root)}:{one.lineno}", found[0]


def test_commands_that_messages_name_exist() -> None:
    wrong = []
    for place, text in hints():
        for words in typed(text):
            # What follows an example may be prose: only names and options are looked at.
            depth = depth_of(words)
            options = [word for word in words[depth:] if word.startswith("--")]
            try:
                known = known_options(parse(words[:depth]))
            except AssertionError as error:
                wrong.append(f"{place}: {text!r}: {error}")
                continue
            wrong += [
                f"{place}: {text!r}: no {option}" for option in options if option not in known
            ]
    assert not wrong, "\n".join(wrong)


def depth_of(words: Sequence[str]) -> int:
    """Return how many of some words name the command: as many as there are groups, and one."""
    command: click.Command | None = cli
    for depth, word in enumerate(words):
        if not isinstance(command, click.Group):
            return depth
        command = command.get_command(click.Context(command), word)
    return len(words)


def known_options(words: tuple[str, ...]) -> set[str]:
    command = next(node.command for node in NODES if node.words == words)
    return {"--help", *(name for one in command.params for name in one.opts)}


@pytest.mark.parametrize("name", ["opskit.yaml", "services.yaml"])
def test_commands_that_shipped_files_name_exist(name: str) -> None:
    text = (README.parent / name).read_text(encoding="utf-8")
    for line in re.findall(r"`(opskit [^`]+)`", text):
        for words in typed(line):
            parse(words)
