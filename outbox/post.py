"""Posting: a sealed answer is put on its recipient's shelf, never to be changed."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """A sealed answer on a member's shelf.

    Attributes:
        id: ours, random; its address.
        recipient: the member, 19 digits.
        kind: code of the form, such as `ACKTRT`.
        name: file name, never used twice for a member.
        posted: UTC.
        digest: SHA-256 of the bytes, lower-case hexadecimal.
        size: bytes.
        deposit: id of the deposit it answers; None for an invoice.
    """

    id: str
    recipient: str
    kind: str
    name: str
    posted: datetime
    digest: str
    size: int
    deposit: str | None


class Shelf(Protocol):
    """Where answers are put, inside the transaction of the effect they report."""

    def put(self, answer: Answer, content: bytes) -> None:
        """Keep an answer with its bytes, and enter it in the journal."""


def post(
    shelf: Shelf,
    *,
    recipient: str,
    kind: str,
    name: str,
    content: bytes,
    posted: datetime,
    deposit: str | None = None,
) -> Answer:
    """Put sealed bytes on a member's shelf."""
    answer = Answer(
        id=str(uuid.uuid4()),
        recipient=recipient,
        kind=kind,
        name=name,
        posted=posted,
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        deposit=deposit,
    )
    shelf.put(answer, content)
    return answer
