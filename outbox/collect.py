"""Collecting: a member lists and takes what is on its own shelf, and on no other.

An answer of another member and an answer that does not exist are the same: nothing (promise P7). How far each
has come is told by `outbox.states`: available, fetched, acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from outbox.post import Answer
from outbox.states import Event, State, after


@dataclass(frozen=True, slots=True)
class Listed:
    """An answer as its recipient sees it in the list.

    Attributes:
        cursor: grows with every answer; ask for what comes after the last one seen.
        collected: when it was first taken, None while it was not.
        acknowledged: since when its recipient says that it holds it, None while it does not.
    """

    cursor: int
    answer: Answer
    collected: datetime | None
    acknowledged: datetime | None = None

    @property
    def state(self) -> State:
        if self.acknowledged is not None:
            return State.ACKNOWLEDGED
        return State.AVAILABLE if self.collected is None else State.FETCHED


class NotFetched(Exception):
    """What was never fetched cannot be acknowledged."""


class OtherBytes(Exception):
    """What is acknowledged is not what we hold: it has to be fetched again."""


class Collection(Protocol):
    """The shelves, as a door may see them: always for one recipient."""

    def after(self, recipient: str, cursor: int, limit: int) -> Sequence[Listed]:
        """What was posted to a member after a cursor, oldest first."""

    def visible(self, recipient: str) -> Sequence[Listed]:
        """What a member has not put away, oldest first."""

    def find(self, recipient: str, answer_id: str) -> Listed | None:
        """An answer, or None when this member has none of that id."""

    def content(self, recipient: str, answer_id: str) -> bytes | None:
        """The bytes of an answer, or None when this member has none of that id."""

    def mark_collected(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter the collection in the journal and remember the first one."""

    def mark_acknowledged(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter in the journal that its recipient holds an answer, once."""

    def put_away(self, recipient: str, answer_id: str) -> None:
        """Hide an answer from the visible list."""


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


def acknowledge(outbox: Outbox, *, recipient: str, answer_id: str, digest: str, door: str) -> Listed | None:
    """Take note that a member holds an answer; how that stands then, or None when it has none of that id.

    Args:
        digest: SHA-256 of the bytes that the member holds, lower-case hexadecimal.

    Raises:
        OtherBytes: they are not the ones we keep.
        NotFetched: it was never given at a door.
    """
    found = outbox.collection.find(recipient, answer_id)
    if found is None:
        return None
    if digest != found.answer.digest:
        raise OtherBytes
    _note(outbox, found, door)
    return outbox.collection.find(recipient, answer_id)


def put_away(outbox: Outbox, *, recipient: str, answer_id: str, door: str) -> None:
    """A member removes an answer from its folder: so it holds it. The answer itself stays.

    Raises:
        NotFetched: it was never given at a door.
    """
    found = outbox.collection.find(recipient, answer_id)
    if found is not None:
        _note(outbox, found, door)
        outbox.collection.put_away(recipient, answer_id)


def _note(outbox: Outbox, found: Listed, door: str) -> None:
    try:
        after(found.state, Event.ACKNOWLEDGED)
    except ValueError:
        raise NotFetched from None
    if found.state is not State.ACKNOWLEDGED:
        outbox.collection.mark_acknowledged(found.answer.recipient, found.answer.id, outbox.clock(), door)
