"""How much is done for one policy: files can be written so that following them never ends."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.errors import OutsideError

# A few seconds' worth: sudoers of real hosts need a thousandth of it.
_STEPS = 10_000_000
_DEEPEST = 100


class TooMuchError(OutsideError):
    """The files say more than is followed: nobody can tell what they come to."""


@dataclass(slots=True)
class Effort:
    """Steps that may still be taken."""

    left: int = _STEPS

    def descend(self, level: int, steps: int) -> None:
        """Spend steps on a list within as many others: each hands on what is found in it.

        Raises:
            TooMuchError: there are none left, or it is too deep.
        """
        self.take(steps * (level + 1) if level < _DEEPEST else self.left + 1)

    def take(self, steps: int) -> None:
        """Spend steps.

        Raises:
            TooMuchError: there are none left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooMuchError(
                "the sudoers files say too much to be followed",
                hint="look for lists of aliases within aliases, and for lines without end",
            )
