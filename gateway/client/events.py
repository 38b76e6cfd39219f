"""What the gateway tells at an address of ours, unasked: whether it is from the gateway, and what it says.

Whoever finds out our address can post anything to it. An event counts only if the gateway signed it, for this
address, these minutes. The same event may come again (it is told at least once): remember its `id`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.moments import system_clock
from signing.certificates import load_seals
from signing.messages import Unproven, content_digest, verify_message

TAG = "secugate-event"
LONGEST = 1 << 16
"""Bytes of an event."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the gateway tells.

    Attributes:
        id: the same whenever it is told again.
        kind: `org.secugate.answer.posted.v1`, or `org.secugate.webhook.registered.v1` at the beginning.
        at: when it happened.
        source: address of the gateway.
        cursor: of the outbox; what is up to there has been told.
        answer, answer_kind, deposit: ids of the answer and of the deposit it answers, and what it is.
    """

    id: str
    kind: str
    at: datetime
    source: str
    cursor: int
    answer: str | None
    answer_kind: str | None
    deposit: str | None


def read_event(
    url: str, fields: Mapping[str, str], content: bytes, seal: Path, now: datetime | None = None
) -> Event:
    """An event that was posted to an address of ours.

    Args:
        url: the address, exactly as it was registered.
        fields: the header fields.
        content: the body.
        seal: PEM of the certificates with which the gateway seals.
        now: the present moment; the machine's without it.

    Raises:
        Unproven: it is not the gateway's, or not for us, or late. Answer 403, and forget it.
        OSError, ValueError: the seals cannot be read.
    """
    said = {name.lower(): value for name, value in fields.items()}
    message = {"@method": "POST", "@target-uri": url, **said}
    verify_message(message, said, load_seals(seal), tag=TAG, now=now or system_clock())
    if said["content-digest"] != content_digest(content):
        raise Unproven("its content was changed on the way")
    try:
        found = json.loads(content)
        told = found["data"]
        return Event(
            id=str(found["id"]),
            kind=str(found["type"]),
            at=datetime.fromisoformat(found["time"]),
            source=str(found["source"]),
            cursor=int(told["cursor"]),
            answer=told.get("answer"),
            answer_kind=told.get("type"),
            deposit=told.get("deposit"),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unproven("it is no event that we know") from None
