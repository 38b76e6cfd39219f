"""Putting our seal on what goes back: every answer is written, then signed, before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509
from lxml import etree

from gateway import wire
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.returns import ackrec
from inbox.receive import Deposit


class Signs(Protocol):
    """What has our signing key: `signing.sign.Signer`, or what stands before several of them in time."""

    def sign(self, element: etree._Element, at: datetime) -> bytes:
        """As `Signer.sign`."""

    def sign_canonical(self, document: bytes, at: datetime) -> bytes:
        """As `Signer.sign_canonical`."""

    def sign_container(self, files: Mapping[str, bytes], at: datetime) -> bytes:
        """As `Signer.sign_container`."""

    def sign_message(self, base: Callable[[x509.Certificate], bytes]) -> bytes:
        """As `Signer.sign_message`."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The operator's key and the environment it speaks for.

    Attributes:
        signer: holds our signing key.
        environment: `production` or `test`.
    """

    signer: Signs
    environment: str

    def header(
        self, recipient: MemberId, created: datetime, deposit: Deposit | None = None
    ) -> wire.AnswerHeader:
        """The head of an answer to a member, quoting the deposit it answers."""
        reference = None if deposit is None else _reference(deposit)
        return wire.AnswerHeader(recipient, self.environment, created, reference)

    def sign(self, document: etree._Element, at: datetime) -> bytes:
        """The document with our signature, as the bytes that are stored and shown."""
        return self.signer.sign(document, at)

    def sign_canonical(self, document: bytes, at: datetime) -> bytes:
        """The same of a document that was written in exclusive canonical form."""
        return self.signer.sign_canonical(document, at)

    def sign_files(self, files: Mapping[str, bytes], at: datetime) -> bytes:
        """A container of files with our signature over all of them."""
        return self.signer.sign_container(files, at)

    def sign_message(self, base: Callable[[x509.Certificate], bytes]) -> bytes:
        """The value of our signature over an HTTP message (`signing.messages`)."""
        return self.signer.sign_message(base)

    def receipt(self, deposit: Deposit, entry: wire.JournalEntry) -> bytes:
        """The signed ACKREC for a deposit, naming its entry in the journal."""
        recipient = MemberId(deposit.sender[:13], deposit.sender[13:])
        header = self.header(recipient, deposit.received, deposit)
        return self.sign(ackrec.write(ackrec.Receipt(header, entry)), deposit.received)


def _reference(deposit: Deposit) -> wire.DepositReference:
    return wire.DepositReference(
        id=deposit.id,
        name=deposit.name,
        size=deposit.size,
        digest=deposit.digest,
        received=Received(deposit.received),
    )
