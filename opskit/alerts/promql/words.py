"""Values in words, as Prometheus's templates write them. Pure.

Source: Prometheus documentation, "Template reference"; Go's `fmt` for `printf` and for how a
number is written.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from opskit.core.clock import parse_duration, to_datetime

Value = str | float | int | bool | Mapping[str, str]

_UP, _DOWN = ("k", "M", "G", "T", "P", "E", "Z", "Y"), ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_VERB = re.compile(r"%([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z%])")
_WIDEST: Final = 1_000


def printed(value: Value) -> str:
    """Return a value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _shortest(value)
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{name}:{value[name]}' for name in sorted(value))}]"
    return str(value)


def _shortest(value: float) -> str:
    """Return the fewest digits that mean this number; with an exponent from a million on."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  # it is finite
    power = exponent + len(digits) - 1
    if -4 <= power < 6:
        return format(Decimal((sign, digits, exponent)), "f")
    text = "".join(map(str, digits))
    mantissa = text[0] + (f".{text[1:]}" if text[1:] else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"


def _number(value: Value) -> float:
    """Return a number, or a text that is one.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, Mapping | bool):
        message = f"can't convert {printed(value)} to float"
        raise ValueError(message)  # noqa: TRY004  # what is wrong is in the template's data
    return float(value)


def _four(value: float) -> str:
    """Return four significant digits."""
    return f"{value:.4g}" if math.isfinite(value) else _special(value)


def _humanized(value: Value) -> str:
    number = _number(value)
    if number == 0 or not math.isfinite(number):
        return _four(number)
    return _scaled(number, 1_000, _UP) if abs(number) >= 1 else _shrunk(number)


def _scaled(number: float, by: int, prefixes: tuple[str, ...]) -> str:
    prefix = ""
    for one in prefixes:
        if abs(number) < by:
            break
        prefix, number = one, number / by
    return f"{_four(number)}{prefix}"


def _shrunk(number: float) -> str:
    prefix = ""
    for one in _DOWN:
        if abs(number) >= 1:
            break
        prefix, number = one, number * 1_000
    return f"{_four(number)}{prefix}"


def _humanized_1024(value: Value) -> str:
    number = _number(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return _four(number)
    return _scaled(number, 1_024, _BINARY)


def _duration(value: Value) -> str:
    number = _number(value)
    if not math.isfinite(number):
        return _four(number)
    if abs(number) < 1:
        return f"{_shrunk(number) if number else 0}s"
    sign, number = ("-", -number) if number < 0 else ("", number)
    return sign + _long(int(number), f"{_four(number)}s")


def _long(whole: int, short: str) -> str:
    """Return whole seconds in days to seconds; `short` where there is not a minute of them."""
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    return f"{minutes}m {seconds}s" if minutes else short


def _percentage(value: Value) -> str:
    return f"{_four(_number(value) * 100)}%"


def _timestamp(value: Value) -> str:
    number = _number(value)
    if not math.isfinite(number):
        return _four(number)
    moment = to_datetime(round(number * 1_000_000))
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _title(value: Value) -> str:
    return re.sub(r"(?<![^\W_])(?<![\w'])\w", lambda match: match[0].upper(), printed(value))


def _formatted(pattern: Value, *values: Value) -> str:
    """Return Go's Sprintf for the verbs that messages use.

    Raises:
        ValueError: another verb, a width no message needs, or a value too many or too few.
    """
    left = list(values)

    def one(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if int(width or 0) > _WIDEST or int(precision or 0) > _WIDEST or not left:
            message = f"printf: {match[0]!r} has no value, or is too wide"
            raise ValueError(message)
        return _verb(flags, width, precision, verb, left.pop(0))

    text = _VERB.sub(one, printed(pattern))
    if left:
        message = "printf: more values than verbs"
        raise ValueError(message)
    return text


def _verb(flags: str, width: str, precision: str | None, verb: str, value: Value) -> str:
    text = _unpadded(flags, precision, verb, value)
    if "-" in flags:
        return text.ljust(int(width or 0))
    return text.rjust(int(width or 0), "0" if "0" in flags else " ")


def _unpadded(flags: str, precision: str | None, verb: str, value: Value) -> str:
    if verb in "sv":
        return printed(value)[: None if precision is None else int(precision)]
    if verb in "feEgG":
        return _decimal("+" if "+" in flags else "", precision, verb, _number(value))
    if verb in "dxX" and isinstance(value, int):
        return format(value, f"{'+' if '+' in flags else ''}{verb}")
    if verb == "q":
        return '"' + printed(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    message = f"printf: %{verb} of {printed(value)!r}"
    raise ValueError(message)


def _decimal(sign: str, precision: str | None, verb: str, number: float) -> str:
    if not math.isfinite(number):
        return _four(number)
    if precision is None and verb in "gG":
        return _shortest(number)
    return format(number, f"{sign}.{precision or 6}{verb}")


def _compared(how: Callable[[float, float], bool]) -> Callable[[Value, Value], bool]:
    def compare(one: Value, other: Value) -> bool:
        if isinstance(one, str) != isinstance(other, str):
            message = "incompatible types for comparison"
            raise ValueError(message)
        return how(one, other)  # type: ignore[arg-type]  # both texts, or both numbers

    return compare


def _equal(one: Value, *others: Value) -> bool:
    return any(_compared(operator.eq)(one, other) for other in others)


def _all(*values: Value) -> Value:
    return next((one for one in values if not one), values[-1])


def _any(*values: Value) -> Value:
    return next((one for one in values if one), values[-1])


def _not(value: Value) -> bool:
    return not value


def _upper(value: Value) -> str:
    return printed(value).upper()


def _lower(value: Value) -> str:
    return printed(value).lower()


def _without_port(value: Value) -> str:
    return re.sub(r":\d+$", "", printed(value)).strip("[]")


def _without_domain(value: Value) -> str:
    text = printed(value)
    host, colon, port = text.partition(":")
    if re.fullmatch(r"[\d.]+", host):
        return text
    return host.split(".")[0] + colon + port


def _matches(pattern: Value, text: Value) -> bool:
    return re.search(printed(pattern), printed(text)) is not None


def _replaced(pattern: Value, by: Value, text: Value) -> str:
    groups = re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", printed(by).replace("\\", "\\\\"))
    return re.sub(printed(pattern), groups, printed(text))


def _seconds(value: Value) -> float:
    return parse_duration(printed(value)) / 1_000_000


def _printed_all(*values: Value) -> str:
    return "".join(printed(one) for one in values)


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "humanize": _humanized, "humanize1024": _humanized_1024, "humanizeDuration": _duration,
    "humanizePercentage": _percentage, "humanizeTimestamp": _timestamp,
    "printf": _formatted, "print": _printed_all,
    "title": _title, "toUpper": _upper, "toLower": _lower,
    "stripPort": _without_port, "stripDomain": _without_domain,
    "match": _matches, "reReplaceAll": _replaced, "parseDuration": _seconds,
    "eq": _equal, "ne": _compared(operator.ne), "lt": _compared(operator.lt),
    "le": _compared(operator.le), "gt": _compared(operator.gt), "ge": _compared(operator.ge),
    "and": _all, "or": _any, "not": _not,
}  # fmt: skip
