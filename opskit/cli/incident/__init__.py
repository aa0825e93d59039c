"""`opskit incident`."""

from __future__ import annotations

from opskit.cli.commands import group

_HERE = "opskit.cli.incident"

_COMMANDS = {
    "ack": (f"{_HERE}.answering:ack", "Say that you have it in hand."),
    "assign": (f"{_HERE}.answering:assign", "Give it to somebody."),
    "export": (f"{_HERE}.showing:export", "The whole story as Markdown."),
    "link": (f"{_HERE}.answering:link", "A run, a grant, a ticket belongs to it."),
    "list": (f"{_HERE}.showing:listing", "What somebody still has to see to."),
    "merge": (f"{_HERE}.joining:merge", "It is the same as another."),
    "mitigate": (f"{_HERE}.answering:mitigate", "Nobody is hit any more; the cause is there."),
    "note": (f"{_HERE}.answering:note", "Write down what happened, or was found out."),
    "open": (f"{_HERE}.opening:open_", "Something is wrong that no alert told of."),
    "rate": (f"{_HERE}.answering:rate", "Say how bad it is."),
    "reopen": (f"{_HERE}.answering:reopen", "It is back."),
    "resolve": (f"{_HERE}.answering:resolve", "It is over, and why it was."),
    "show": (f"{_HERE}.showing:show", "Its times, alerts, and everything that was said."),
    "split": (f"{_HERE}.joining:split", "Some of it is another matter."),
}


@group(
    short_help="What went wrong, who has it, what was found out.",
    lazy=_COMMANDS,
    examples=[
        "opskit incident list                                  what is somebody to see to?",
        "opskit incident ack INC-7                             I have it in hand",
        'opskit incident note INC-7 "the disk is full"         what was found out',
        'opskit incident resolve INC-7 --cause "logs grew"     it is over',
        'opskit incident open "Mail is late" --service mail    somebody called',
    ],
)
def incident() -> None:
    """Follow what went wrong from the first sign to its cause, with every time kept apart.

    Alerts open incidents by themselves where opskit serve runs; desk.yaml says which.
    """
