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

    `pathname` keeps wildcards from matching a slash, `period` from matching a leading dot.
    """
    out: list[str] = []
    at, size = 0, len(pattern)
    while at < size:
        char = pattern[at]
        at += 1
        dot = r"(?!\.)" if period and (not out or pattern[at - 2] == "/") else ""
        if char == "*":
            out.append(dot + ("[^/]*" if pathname else ".*"))
        elif char == "?":
            out.append(dot + ("[^/]" if pathname else "."))
        elif char == "[":
            found = _bracket(pattern, at)
            if found is None:
                out.append(r"\[")
            else:
                body, at = found
                out.append(dot + ("(?!/)" if pathname else "") + body)
        elif char == "\\":
            if at == size:
                return None
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(char))
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL)
    except re.error:
        return None


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
            body += "-" if pattern[at] == "-" else re.escape(pattern[at])
        at += 1
    if at >= len(pattern):
        return None
    return f"[{'^' if first > start else ''}{body}]", at + 1


@lru_cache(maxsize=4096)
def extended(pattern: str) -> re.Pattern[str] | None:
    """Return a POSIX extended regular expression of sudoers; None where it cannot be read."""
    flags = re.DOTALL
    if pattern.startswith("^(?i)"):
        pattern, flags = "^" + pattern[5:], flags | re.IGNORECASE
    text = _NAMED.sub(lambda m: _CLASS.get(m[1], ""), pattern)
    try:
        return re.compile(text[:-1] + r"\Z" if text.endswith("$") else text, flags)
    except re.error:
        return None


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
