"""What sudoers text is cut into, and the expressions that cut it.

Written after the rules of sudo's scanner: the longest match wins, and of two the earlier.
"""

from __future__ import annotations

import re
from enum import IntEnum, auto
from typing import NamedTuple


class T(IntEnum):
    """Kinds of tokens."""

    NEWLINE = auto()
    WORD = auto()
    ALIAS = auto()
    ALL = auto()
    GROUP = auto()
    NETGROUP = auto()
    ADDRESS = auto()
    COMMAND = auto()
    TAG = auto()
    OPTION = auto()
    DIGEST_TYPE = auto()
    DIGEST = auto()
    DEFAULTS = auto()
    ALIAS_KEYWORD = auto()
    VARIABLE = auto()
    ASSIGN = auto()
    INCLUDE = auto()
    PUNCTUATION = auto()
    ERROR = auto()


class Token(NamedTuple):
    """A token: `value` is its text, or the path of a command, whose arguments are `args`."""

    kind: T
    value: str
    start: int
    args: str | None = None


_WORD = r'(?:[^#>!=:,() \t\r\n\\"]|\\[^\t\n])+'
_PATH = r"/(?:\\[,:= \t#]|[^,:=\\ \t\r\n#])+"
_REGEX = r"\^(?:\\[#$]|[^#\r\n$])*\$"
_ID = r"\#-?[0-9]+"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV6 = (
    rf"(?:(?:[0-9A-Fa-f]{{1,4}})?:){{2,6}}:{_IPV4}"
    r"|(?:(?:[0-9A-Fa-f]{1,4})?:){2,7}(?:[0-9A-Fa-f]{1,4})?"
)
_TAGS = "PASSWD|EXEC|INTERCEPT|SETENV|LOG_OUTPUT|LOG_INPUT|MAIL|FOLLOW"
_CONTINUED = r"\\[ \t]*\r?\n"
_STRING = r'"(?:[^"\r\n\\]|\\"|\\[ \t]*\r?\n[ \t]*|\\(?!"|[ \t]*\r?\n))*"'

TOKEN = re.compile(
    rf"""
    (?P<tag>(?:NO)?(?:{_TAGS})[ \t]*:)
    |(?P<path>{_PATH})
    |(?P<regex>{_REGEX})
    |(?P<ipv6>{_IPV6})(?:/(?:{_IPV6}|12[0-8]|1[01][0-9]|[1-9]?[0-9]))?
    |(?P<group>%:?(?:{_ID}|{_WORD}))
    |(?P<empty>[%+](?![^#>!=:,()\ \t\r\n\\"])|%:)
    |(?P<word>{_WORD})
    |(?P<newline>\r?\n)
    |(?P<bang>!+)
    |(?P<punctuation>[(),=:])
    |(?P<id>{_ID})
    |(?P<comment>\#(?:(?:-[^\r\n0-9]|[^\r\n0-9-])[^\n]*)?\r?\n)
    |(?P<continued>{_CONTINUED})
    |(?P<string>{_STRING})
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
BLANKS = re.compile(r"[ \t]*")
WORDS = re.compile(_WORD)
ALIAS = re.compile(r"[A-Z][A-Z0-9_]*\Z")
IPV4_NETWORK = re.compile(rf"{_IPV4}(?:/(?:{_IPV4}|3[0-2]|[12]?[0-9]))?\Z")
OPTIONS = frozenset({
    "TIMEOUT", "NOTBEFORE", "NOTAFTER", "CWD", "CHROOT", "ROLE", "TYPE",
})  # fmt: skip
PATH_OPTIONS = frozenset({"CWD", "CHROOT"})
UNFINISHED = "the file ends within a line"
DIGEST_LENGTHS = {"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
DIGEST = re.compile(r"[ \t]*:[ \t]*([0-9A-Za-z+/=]+)")
DEFAULTS = re.compile(
    rf"([ \t]*)Defaults(?:([:@>!])[ \t]*(?=!*\"?(?:{_ID}|{_WORD})))?"
)  # the lookahead leaves the binding's members for the scanner
ALIAS_KEYWORD = re.compile(r"([ \t]*)((?:Host|Cmnd|Cmd|User|Runas)_Alias)")
INCLUDE = re.compile(r"[ \t]*@(include(?:dir)?)(?![^#>!=:,() \t\r\n\\\"])|#(include(?:dir)?)[ \t]+")
INCLUDED = re.compile(r"[ \t]*(?:([^\"\s](?:\\[ \t]|\S)*)|\"((?:[^\"\r\n\\]|\\\"|\\(?!\"))+)\")")
NEXT_DEFAULT = re.compile(
    r"[ \t]*(?:([a-z_]+)|(!+)|(\r?\n|\#[^\n]*\n)|(\\[ \t]*\r?\n)|(.))", re.DOTALL
)
IN_DEFAULT = re.compile(
    rf"""[ \t]*(?:(,)|([+-]?=)|({_STRING})
    |((?:[^#!=,\ \t\r\n\\"]|\\[^\r\n])(?:[^#=,\ \t\r\n\\"]|\\[^\r\n])*)
    |(\r?\n|\#[^\n]*\n)|({_CONTINUED})|(!+)|(.))""",
    re.VERBOSE | re.DOTALL,
)
BINDING_SPACE = re.compile(r"[ \t]*,[ \t]*|[ \t]+")
PLAIN_ARGS = re.compile(r"((?:[ \t]+[^#\\:,= \t\r\n^][^#\\:, \t\r\n]*)*)[ \t]*(?=[#:,\n]|\r\n)")
ARGS = re.compile(
    rf"""(?P<space>[ \t]+|{_CONTINUED})|(?P<end>[\#:,\r\n])
    |(?P<glob>\\[*?\[\]!^])|\\(?P<special>[:\\,=\ \t\#])
    |(?P<arg>[^\#\\:,\ \t\r\n]+)|(?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)
ARG_REGEX = re.compile(r"\^(?:\\[^\r\n]|[^#\\\r\n$]|\\[ \t]*\r?\n[ \t]*)*\$")
_HEX_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
SPECIAL = re.compile(r"\\([,:= \t#])")


def unescaped(text: str) -> str:
    r"""Return a word without its escapes; `\x20` is the character of that number."""
    if "\\" not in text:
        return text
    return _HEX_ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else m[2], text)
