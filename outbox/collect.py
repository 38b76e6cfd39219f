"""Collecting: a member lists and takes what is on its own shelf, and on no other.

An answer of another member and an answer that does not exist are the same: nothing (promise P7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from outbox.post import Answer


@dataclass(frozen=True, slots=True)
class Listed:
    """An answer as its recipient sees it in the list.

    Attributes:
        cursor: grows with every answer; ask for what comes after the last one seen.
        collected: when it was first taken, None while it was not.
    """

    cursor: int
    answer: Answer
    collected: datetime | None


class Collection(Protocol):
    """The shelves, as a door may see them: always for one recipient."""

    def after(self, recipient: str, cursor: int, limit: int) -> Sequence[Listed]:
        """What was posted to a member after a cursor, oldest first."""

    def visible(self, recipient: str) -> Sequence[Listed]:
        """What a member has not put away, oldest first."""

    def content(self, recipient: str, answer_id: str) -> bytes | None:
        """The bytes of an answer, or None when this member has none of that id."""

    def mark_collected(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter the collection in the journal and remember the first one."""

    def put_away(self, recipient: str, answer_id: str) -> bool:
        """Hide a collected answer from the visible list; False when it was never collected."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """The out-tray as a door sees it."""

    collection: Collection
    clock: Callable[[], datetime]


def collect(outbox: Outbox, *, recipient: str, answer_id: str, door: str) -> bytes | None:
    """The bytes of an answer, its collection entered in the journal before they are given."""
    content = outbox.collection.content(recipient, answer_id)
    if content is not None:
        outbox.collection.mark_collected(recipient, answer_id, outbox.clock(), door)
    return content
