"""How bytes become a deposit: kept, synced, entered, and only then answered (promises P1, P3).

The order is the guarantee (SQLite manual on atomic commit; OSDI 2014, "All file systems are
not created equal"):

1. write what arrives to a file of ours that nobody else can name;
2. when the upload is complete: sync the file, rename it, sync its folder;
3. in one transaction: the deposit, its journal entry and its signed receipt;
4. answer with that receipt.

A fault before 3 leaves at most a file without a deposit, which the next start sets aside; a fault
after 3 leaves a deposit whose receipt the sender gets by sending the same bytes again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class TooLarge(Exception):
    """The upload exceeds the limit on bytes; nothing of it is kept."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"a deposit has at most {limit} bytes")
        self.limit = limit


class Unprovable(Exception):
    """Nothing is taken in now, because we could not prove it later; our fault, to be tried again."""


class Gone(Exception):
    """The same bytes were received before and have been erased since, with their receipt."""

    def __init__(self) -> None:
        super().__init__("this file was received before, and was erased when its term had ended")


@dataclass(frozen=True, slots=True)
class Deposit:
    """Bytes in our custody, and the fact of their receipt.

    Attributes:
        id: ours, random; the reference quoted in every answer.
        sender: the member the door let in, 19 digits.
        name: the file name as the sender gave it; never used as a name of ours.
        size: bytes.
        digest: SHA-256 of the bytes, lower-case hexadecimal.
        received: the moment the upload was complete, UTC.
        door: `https` or `sftp`.
    """

    id: str
    sender: str
    name: str
    size: int
    digest: str
    received: datetime
    door: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The signed answer to a deposit, stored before it is shown.

    Attributes:
        deposit: id of the deposit it is for.
        content: the signed ACKREC document, the same bytes at every repeat.
        repeated: the sender had deposited these very bytes before.
    """

    deposit: str
    content: bytes
    repeated: bool


class Upload(Protocol):
    """An upload under way: a file of ours, not yet a deposit."""

    def write(self, offset: int, chunk: bytes) -> None:
        """Put bytes at an offset.

        Raises:
            TooLarge: beyond the limit.
        """

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        """Sync and file it under the id of a deposit, sealed for its sender and the month of its receipt;
        its size and SHA-256 digest."""

    def discard(self) -> None:
        """Forget it, kept or not."""


class Register(Protocol):
    """Where deposits are entered; one transaction a call."""

    def enter(self, deposit: Deposit) -> Receipt:
        """Enter a deposit with its journal entry and receipt, unless its sender has sent the
        same bytes before: then the first receipt again, and nothing is entered twice.

        Raises:
            Gone: the first ones were erased.
        """


@dataclass(frozen=True, slots=True)
class Inbox:
    """The in-tray as a door sees it.

    Attributes:
        begin: opens an upload, or raises `Unprovable`.
        register: where deposits are entered.
        clock: asked once per deposit, when the upload is complete.
    """

    begin: Callable[[], Upload]
    register: Register
    clock: Callable[[], datetime]


def receive(inbox: Inbox, upload: Upload, *, sender: str, name: str, door: str) -> Receipt:
    """Take a complete upload into custody and give the signed receipt.

    Every door ends here. The sender is who the door let in; whether they are also the signer is
    for the counter to judge, after the receipt. When entering fails, whether it was committed is
    not known: the file stays, and the next start sets it aside if it was not.

    Raises:
        Gone: the sender has sent these bytes before, and they were erased.
    """
    received = inbox.clock()
    identifier = str(uuid.uuid4())
    try:
        size, digest = upload.keep(identifier, sender, received)
    except BaseException:
        upload.discard()
        raise
    deposit = Deposit(identifier, sender, name, size, digest, received, door)
    try:
        receipt = inbox.register.enter(deposit)
    except Gone:
        upload.discard()
        raise
    if receipt.repeated:
        upload.discard()
    return receipt
