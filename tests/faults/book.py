"""The witness's book: every call before it is made and every reply after it came, a line each, synced."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import TypedDict

Key = tuple[str, str]
"""Of a deposit: its sender (19 digits) and the digest of its bytes."""


class Reply(StrEnum):
    """What came back."""

    ACCEPTED = "accepted"
    """A positive answer."""
    LATER = "later"
    """The door said that it cannot now, and that it is not the sender's fault."""
    REFUSED = "refused"
    """The door said no."""
    SILENCE = "silence"
    """Nothing came: whether the deposit was made is not known."""


class Line(TypedDict, total=False):
    """A line of the book: a call, a reply or an answer collected."""

    what: str
    order: int
    member: str
    digest: str
    door: str
    reply: str
    words: str
    receipt: str | None
    name: str
    kind: str
    content: str


class Writer:
    """Writes the book. May be shared by threads."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = Lock()

    def write(self, line: Line) -> None:
        """Write a line; it would survive us."""
        text = json.dumps(line).encode() + b"\n"
        with self._lock:
            os.write(self._file, text)
            os.fsync(self._file)


@dataclass(slots=True)
class Book:
    """What a book says.

    Attributes:
        receipts: of each deposit that got a positive answer, every receipt that came with one; over SFTP
            none comes.
        replies: how often each came.
        refused: the words of refusals, which no good batch should get.
        later: the words of doors that could not.
        answers: of each member, what it collected under each name, every time.
    """

    receipts: dict[Key, list[bytes]] = field(default_factory=dict)
    replies: Counter[Reply] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    later: Counter[str] = field(default_factory=Counter)
    answers: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Book:
        """Read a book as far as its last whole line."""
        book = cls(answers=defaultdict(lambda: defaultdict(list)))
        for line in _lines(file.read_bytes().split(b"\n")[:-1]):
            book._take(line)
        return book

    def _take(self, line: Line) -> None:
        if line["what"] == "answer":
            content = base64.b64decode(line["content"])
            self.answers[line["member"]][line["name"]].append(content)
        if line["what"] != "reply":
            return
        reply = Reply(line["reply"])
        self.replies[reply] += 1
        match reply:
            case Reply.ACCEPTED:
                got = self.receipts.setdefault((line["member"], line["digest"]), [])
                receipt = line.get("receipt")
                if receipt is not None:
                    got.append(base64.b64decode(receipt))
            case Reply.REFUSED:
                self.refused.append(line["words"])
            case Reply.LATER:
                self.later[line["words"]] += 1
            case Reply.SILENCE:
                pass


def _lines(raw: Iterable[bytes]) -> Iterator[Line]:
    for text in raw:
        line: Line = json.loads(text)
        yield line
