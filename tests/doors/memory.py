"""A register and shelves in memory: real implementations of what the doors ask for, without a database."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime

from gateway.batch import MemberId
from inbox.receive import Deposit, Receipt
from outbox.collect import Listed
from outbox.post import Answer


class MemoryRegister:
    """`inbox.receive.Register`: deposits in the order in which they were entered."""

    def __init__(self) -> None:
        self.deposits: list[Deposit] = []
        self._first: dict[tuple[str, str], Receipt] = {}
        self._lock = threading.Lock()

    def enter(self, deposit: Deposit) -> Receipt:
        with self._lock:
            key = (deposit.sender, deposit.digest)
            if key in self._first:
                return replace(self._first[key], repeated=True)
            self.deposits.append(deposit)
            self._first[key] = Receipt(deposit.id, f"receipt {deposit.id}".encode(), repeated=False)
            return self._first[key]


class MemoryTrials:
    """`adapters.tray.Trials`: the answer to a file is the file, turned round.

    Attributes:
        refusal: raised in place of an answer, when there is one.
        tried: every file that was answered, by whom and under what name.
    """

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.refusal: Exception | None = None
        self.tried: list[tuple[str, str]] = []

    def admission(self, member: MemberId) -> AbstractContextManager[None]:
        assert member is not None
        return nullcontext()

    def simulate(self, member: MemberId, name: str, content: bytes) -> bytes:
        if self.refusal is not None:
            raise self.refusal
        self.tried.append((str(member), name))
        return content[::-1]


class MemoryShelves:
    """`outbox.post.Shelf` and `outbox.collect.Collection`.

    Attributes:
        journal: each collection: recipient, answer, door.
    """

    def __init__(self) -> None:
        self.journal: list[tuple[str, str, str]] = []
        self._listed: dict[str, Listed] = {}
        self._contents: dict[str, bytes] = {}
        self._put_away: set[str] = set()
        self._lock = threading.Lock()

    def put(self, answer: Answer, content: bytes) -> None:
        with self._lock:
            self._listed[answer.id] = Listed(len(self._listed) + 1, answer, None)
            self._contents[answer.id] = content

    def after(self, recipient: str, cursor: int, limit: int) -> Sequence[Listed]:
        with self._lock:
            mine = [one for one in self._listed.values() if one.answer.recipient == recipient]
            return [one for one in mine if one.cursor > cursor][:limit]

    def visible(self, recipient: str) -> Sequence[Listed]:
        with self._lock:
            mine = [one for one in self._listed.values() if one.answer.recipient == recipient]
            return [one for one in mine if one.answer.id not in self._put_away]

    def content(self, recipient: str, answer_id: str) -> bytes | None:
        with self._lock:
            return self._contents[answer_id] if self._is_of(recipient, answer_id) else None

    def mark_collected(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        with self._lock:
            listed = self._listed[answer_id]
            self._listed[answer_id] = replace(listed, collected=listed.collected or at)
            self.journal.append((recipient, answer_id, door))

    def find(self, recipient: str, answer_id: str) -> Listed | None:
        with self._lock:
            return self._listed[answer_id] if self._is_of(recipient, answer_id) else None

    def mark_acknowledged(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        with self._lock:
            self._listed[answer_id] = replace(self._listed[answer_id], acknowledged=at)

    def put_away(self, recipient: str, answer_id: str) -> None:
        with self._lock:
            if self._is_of(recipient, answer_id):
                self._put_away.add(answer_id)

    def _is_of(self, recipient: str, answer_id: str) -> bool:
        return answer_id in self._listed and self._listed[answer_id].answer.recipient == recipient
