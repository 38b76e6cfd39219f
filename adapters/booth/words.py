"""What is said between the service and a booth, as JSON: never objects, so nothing in it can do anything.

The service believes no word of it by its shape: whatever is not spelt as here raises `Garbled`.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast

from gateway.agreement import Agreement, Pages, Spelling
from gateway.batch import Anomaly, Attachment, Batch, Header, MemberId, Record
from inbox.receive import Deposit

Words = dict[str, object]

SHORT = 1 << 20
"""Bytes that are said at once, where no batch is told."""

LONG = 1 << 30
"""Bytes of what the service says at once; it may tell what a deposit holds that was encrypted."""

OVER_MEMORY = 9
"""The exit code of a child that wanted more memory than it may have."""

_LENGTH = 4
_CHUNK = 1 << 20
_One = TypeVar("_One")


class Garbled(Exception):
    """Not what is said here."""


def send(line: socket.socket, words: Words) -> None:
    """Say something."""
    send_bytes(line, json.dumps(words).encode())


def send_bytes(line: socket.socket, content: bytes) -> None:
    """Hand over bytes."""
    line.sendall(len(content).to_bytes(_LENGTH, "big"))
    line.sendall(content)


def receive(line: socket.socket, most: int, until: float | None = None) -> Words | None:
    """Hear something; None when the other side is gone.

    Args:
        line: a stream.
        most: bytes of it, at most.
        until: moment of the monotonic clock at which patience ends.

    Raises:
        Garbled: too long, or not words.
        TimeoutError: nothing came in time.
    """
    text = receive_bytes(line, most, until)
    if text is None:
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        raise Garbled("not JSON") from None
    return cast(Words, _a(dict, words))


def receive_bytes(line: socket.socket, most: int, until: float | None = None) -> bytes | None:
    """Get bytes that are handed over; None when the other side is gone. As `receive` in all else."""
    head = _read(line, _LENGTH, until)
    length = int.from_bytes(head, "big")
    if length > most:
        raise Garbled(f"{length} bytes at once")
    content = _read(line, length, until)
    return bytes(content) if len(head) == _LENGTH and len(content) == length else None


def _read(line: socket.socket, length: int, until: float | None) -> bytearray:
    """So many bytes; fewer when the other side is gone."""
    found = bytearray()
    while len(found) < length:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            line.settimeout(left)
        chunk = line.recv(min(length - len(found), _CHUNK))
        if not chunk:
            break
        found += chunk
    return found


def _a(kind: type[_One], word: object) -> _One:
    if type(word) is not kind:
        raise Garbled(f"{type(word).__name__} in place of {kind.__name__}")
    return word


def text(word: object) -> str:
    """A text, or `Garbled`."""
    return _a(str, word)


def number(word: object) -> int:
    """A whole number, or `Garbled`."""
    return _a(int, word)


def texts(word: object) -> list[str]:
    """A list of texts, or `Garbled`."""
    return [_a(str, each) for each in _a(list, word)]


def _maybe(kind: type[_One], word: object) -> _One | None:
    return None if word is None else _a(kind, word)


def _rows(word: object, length: int) -> list[list[object]]:
    rows = _a(list, word)
    if any(type(row) is not list or len(row) != length for row in rows):
        raise Garbled(f"rows not of {length}")
    return rows


# members, deposits and agreements


def member(digits: str) -> MemberId:
    """A member by its 19 digits."""
    return MemberId(digits[:13], digits[13:])


def deposit_words(deposit: Deposit) -> Words:
    """What a booth is told of a deposit."""
    return {
        "id": deposit.id,
        "sender": deposit.sender,
        "name": deposit.name,
        "size": deposit.size,
        "digest": deposit.digest,
        "received": deposit.received.isoformat(),
        "door": deposit.door,
    }


def deposit_of(words: Words) -> Deposit:
    """A deposit as it was told."""
    return Deposit(
        id=text(words["id"]),
        sender=text(words["sender"]),
        name=text(words["name"]),
        size=_a(int, words["size"]),
        digest=text(words["digest"]),
        received=datetime.fromisoformat(text(words["received"])),
        door=text(words["door"]),
    )


def agreement_words(agreement: Agreement) -> Words:
    """An agreement, as a booth is told of it."""
    return {
        "procedures": sorted(agreement.procedures),
        "environment": agreement.environment,
        "answers": agreement.answers.value,
        "own_computation": agreement.own_computation,
        "pages": agreement.pages.value,
    }


def agreement_of(words: Words) -> Agreement:
    """An agreement as it was told."""
    return Agreement(
        procedures=frozenset(texts(words["procedures"])),
        environment=text(words["environment"]),
        answers=Spelling(text(words["answers"])),
        own_computation=_a(bool, words["own_computation"]),
        pages=Pages(text(words["pages"])),
    )


# anomalies and batches


def anomaly_words(anomalies: Sequence[Anomaly]) -> list[list[object]]:
    """Anomalies, each a row."""
    return [[one.code, one.record, one.field, one.path, one.line, one.value] for one in anomalies]


def anomalies_of(words: object) -> list[Anomaly]:
    """Anomalies as they were told."""
    return [
        Anomaly(
            _a(str, code),
            _maybe(int, record),
            _maybe(str, field),
            _maybe(str, path),
            _maybe(int, line),
            _maybe(str, value),
        )
        for code, record, field, path, line, value in _rows(words, 6)
    ]


def batch_words(batch: Batch) -> Words:
    """A batch and its parts."""
    head = batch.header
    return {
        "header": [
            head.procedure,
            head.version,
            head.sender.matricule,
            head.sender.number,
            head.recipient,
            head.environment,
            head.created.isoformat(),
            head.software,
            head.reference,
        ],
        "records": _record_words(batch.records),
        "malformed": _record_words(batch.malformed),
        "anomalies": anomaly_words(batch.anomalies),
        "attachments": [[one.name, one.kind, one.subject, one.fault] for one in batch.attachments],
        "parts": [batch_words(part) for part in batch.parts],
    }


def _record_words(records: Sequence[Record]) -> list[list[object]]:
    return [[one.number, one.line, dict(one.fields)] for one in records]


def batch_of(words: object) -> Batch:
    """A batch as it was told."""
    told = _a(dict, words)
    try:
        return Batch(
            header=_header_of(told["header"]),
            records=_records_of(told["records"]),
            malformed=_records_of(told["malformed"]),
            anomalies=anomalies_of(told["anomalies"]),
            attachments=tuple(
                Attachment(_a(str, name), _a(str, kind), _a(str, subject), _maybe(str, fault))
                for name, kind, subject, fault in _rows(told["attachments"], 4)
            ),
            parts=tuple(map(batch_of, _a(list, told["parts"]))),
        )
    except (KeyError, ValueError, RecursionError):
        raise Garbled("not a batch") from None


def _header_of(words: object) -> Header:
    [row] = _rows([words], 9)
    procedure, version, matricule, number, recipient, environment, created = map(text, row[:7])
    return Header(
        procedure=procedure,
        version=version,
        sender=MemberId(matricule, number),
        recipient=recipient,
        environment=environment,
        created=datetime.fromisoformat(created),
        software=_maybe(str, row[7]),
        reference=_maybe(str, row[8]),
    )


def _records_of(words: object) -> list[Record]:
    return [
        Record(_a(int, number), _maybe(int, line), _fields(fields))
        for number, line, fields in _rows(words, 3)
    ]


def _fields(word: object) -> Mapping[str, str]:
    fields = _a(dict, word)
    if any(type(each) is not str for each in fields.values()):
        raise Garbled("a field that is no text")
    return fields
