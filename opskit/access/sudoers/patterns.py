"""Commands and arguments against patterns, as fnmatch(3), glob(3) and regcomp(3) do it for sudo."""

from __future__ import annotations

import re
from functools import lru_cache
from posixpath import normpath

_META = re.compile(r"[\\?*\[\]]")
_CLASS = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r"\s", "blank": r" \t", "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~", "print": " -~", "graph": "!-~", "cntrl": r"\x00-\x1f\x7f",
}  # fmt: skip
_NAMED = re.compile(r"\[:([a-z]+):\]")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_BRACKETS = re.compile(r"\[\^?\]?(?:\[:[a-z]+:\]|[^\]])*\]")
# Longer ones are of nobody: PATH_MAX is 4096.
_LONGEST = 10_000
_VARYING = re.compile(r"\)?(?:([*+?])|\{([0-9]*)(?:,([0-9]*))?\})|[()|]")
# Repetitions of repetitions and what stands behind `(?`: POSIX has none of Python's.
_STRANGE = re.compile(r"[*+?}][*+?{]|\(\?(?!i\))")
# How many lengths a repetition may try, and how many ways are tried within a second or two.
_LENGTH, _MOST_WAYS = 200, 20_000_000
_DEEPEST = 50
_MOST_CLASSES = 100


def has_meta(text: str) -> bool:
    """Tell whether a path is a pattern to sudo."""
    return bool(_META.search(text))


def canonical(path: str) -> str:
    """Return a path without `..` and doubled slashes, and /usr/bin and /usr/sbin as /bin and /sbin.

    They name the same files, on systems of the last decade, and files are what sudo compares.
    """
    if ("/." in path or "//" in path) and path[0] == "/":
        path = normpath(path) + "/" * path.endswith("/")
    return path[4:] if path.startswith(("/usr/bin/", "/usr/sbin/")) else path


@lru_cache(maxsize=8192)
def glob(pattern: str, *, pathname: bool = False, period: bool = False) -> re.Pattern[str] | None:
    """Return a shell pattern as a regular expression; None for one that matches nothing.

    `pathname` keeps wildcards from matching a slash, `period` from matching a leading dot. All
    stars but the last are atomic: trying them again finds nothing new, and would never end.
    """
    if len(pattern) > _LONGEST or pattern.count("[") > _MOST_CLASSES:
        return None
    out: list[str] = []
    at, star = 0, -1
    while at < len(pattern):
        char = pattern[at]
        dot = period and char in "*?[" and (not out or pattern[at - 1] == "/")
        out.append(r"(?!\.)" if dot else "")
        if char == "*":
            if star >= 0:  # what stands behind the star before is taken where it is met first
                out[star] = f"(?>{out[star]}?"
                out.append(")")
            star, at = len(out), at + 1
            out.append("[^/]*" if pathname else ".*")
            continue
        piece = _piece(pattern, at, "(?!/)" if pathname else "")
        if piece is None:
            return None
        out.append(piece[0])
        at = piece[1]
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL)
    except re.error:
        return None


def _piece(pattern: str, at: int, not_slash: str) -> tuple[str, int] | None:
    """Return what stands for one character there, and where the next begins; None for nothing."""
    char = pattern[at]
    if char == "?":
        return f"{not_slash}.", at + 1
    if char == "[" and (found := _bracket(pattern, at + 1)):
        return not_slash + found[0], found[1]
    if char == "\\":
        return (re.escape(pattern[at + 1]), at + 2) if at + 1 < len(pattern) else None
    return re.escape(char), at + 1


def _bracket(pattern: str, start: int) -> tuple[str, int] | None:
    """Return the class that begins behind a `[`, and where it ends; None where it does not."""
    at = start + (pattern[start : start + 1] in {"!", "^"})
    first, body = at, ""
    while at < len(pattern) and (pattern[at] != "]" or at == first):
        if named := _NAMED.match(pattern, at):
            body += _CLASS.get(named[1], "")
            at = named.end()
            continue
        if pattern[at] == "\\" and at + 1 < len(pattern):
            at += 1
            body += "\\" + pattern[at] if not pattern[at].isalnum() else pattern[at]
        else:
            between = body and (body[-1] != "-" or body.endswith(r"\-"))
            body += "-" if pattern[at] == "-" and between else re.escape(pattern[at])
        at += 1
    if at >= len(pattern):
        return None
    return f"[{'^' if first > start else ''}{body}]", at + 1


@lru_cache(maxsize=4096)
def extended(pattern: str) -> re.Pattern[str] | None:
    """Return a POSIX extended regular expression of sudoers; None where it cannot be read."""
    if not _soon_matched(pattern):
        return None
    flags = re.DOTALL
    if pattern.startswith("^(?i)"):
        pattern, flags = "^" + pattern[5:], flags | re.IGNORECASE
    text = _NAMED.sub(lambda m: _CLASS.get(m[1], ""), pattern)
    try:
        return re.compile(text[:-1] + r"\Z" if text.endswith("$") else text, flags)
    except re.error:
        return None


def _soon_matched(pattern: str) -> bool:
    """Tell whether a match is found in good time: the ways there are to try are counted.

    A repetition of what varies itself has too many; so has what Python reads in another way.
    """
    plain = _BRACKETS.sub("x", _ESCAPED.sub("x", pattern))
    if len(pattern) > _LONGEST or _STRANGE.search(plain):
        return False
    ways = [1.0]  # of each group that is open
    for found in _VARYING.finditer(plain):
        if found[0] == "(":
            ways.append(1.0)
        elif found[0] == "|":
            ways[-1] += 1
        else:
            inside = ways.pop() if found[0][0] == ")" and len(ways) > 1 else 1.0
            ways[-1] *= _repeated(inside, found[1], found[2], found[3])
        if ways[-1] > _MOST_WAYS or len(ways) > _DEEPEST:
            return False
    return True


def _repeated(ways: float, sign: str | None, least: str | None, most: str | None) -> float:
    """Return how many ways there are to match something so often."""
    if sign is None and least is None:
        return ways
    if sign in {"*", "+"} or most == "":
        return _LENGTH if ways == 1 else float("inf")
    low, high = (0, 1) if sign == "?" else (int(least or 0), int(most or least or 0))
    return (high - low + 1) * ways ** min(high, 1000) if high < _LONGEST else float("inf")


def is_regex(text: str) -> bool:
    """Tell whether a path or the arguments are written as a regular expression."""
    return len(text) > 1 and text[0] == "^" and text[-1] == "$"


def path_matches(pattern: str, path: str, *, fast_glob: bool = False) -> bool:
    """Tell whether a command of sudoers, no regular expression, names a file."""
    wanted, given = canonical(pattern), canonical(path)
    if wanted.endswith("/"):
        directory, _, name = given.rpartition("/")
        if not has_meta(wanted):
            return bool(name) and directory + "/" == wanted
        found = glob(wanted, pathname=True, period=not fast_glob)
        return bool(name) and found is not None and bool(found.match(directory + "/"))
    if not has_meta(wanted):
        return wanted == given
    found = glob(wanted, pathname=True, period=not fast_glob)
    return found is not None and bool(found.match(given))


def args_match(wanted: str | None, given: str | None, *, pathname: bool, regex: bool) -> bool:
    """Tell whether arguments, joined by blanks, are those that were written; None is none given."""
    if wanted is None:
        return True
    if wanted == '""':
        return given is None
    by_regex = regex and is_regex(wanted)
    found = extended(wanted) if by_regex else glob(wanted, pathname=pathname)
    return found is not None and bool(found.match(given or ""))
