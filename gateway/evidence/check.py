"""Judging an evidence pack, with nothing but the pack and the certificates that its reader believes.

The order of checks: the seal over all files first; only then is any of them read. Each check stands for
itself, so that a reader sees all that is wrong at once.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway import wire
from gateway.evidence import pack
from gateway.outcome import Verdict as Fate
from gateway.returns import ackrec, acktrt
from signing import detached
from signing.certificates import Trust
from signing.container import MAGIC, BadContainer, open_container
from signing.encrypted import is_encrypted
from signing.journal import Entry, check_consistency, check_inclusion, leaf_bytes, leaf_hash
from signing.parse import Unreadable, parse
from signing.profile import BadSignature, examine
from signing.timestamps import check, stamped_bytes
from signing.verify import ForeignSeal, verify, verify_seal, verify_sealed_container

HEAD_FORM = "JOUHED"


class Verdict(StrEnum):
    """How a check ended."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "not checked"
    """It needs something that was not given, or that is not there yet."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check and how it ended.

    Attributes:
        what: a word or two.
        verdict: how it ended.
        told: a sentence for people, without content of the batch.
    """

    what: str
    verdict: Verdict
    told: str


@dataclass(frozen=True, slots=True)
class Believed:
    """What the reader of a pack believes.

    Attributes:
        seals: the certificates with which the gateway seals, and sealed before.
        anchors: roots of the authorities of members' certificates; without them the pack's own is taken.
        authorities: roots of time-stamp authorities; without them no stamp is judged.
    """

    seals: Collection[x509.Certificate]
    anchors: Sequence[x509.Certificate] = ()
    authorities: Sequence[x509.Certificate] = ()


class _Bad(Exception):
    """A check that fails; its text says why."""


class _Open(Exception):
    """A check that cannot be made; its text says why."""


def check_pack(raw: bytes, believed: Believed) -> list[Check]:
    """Judge a pack; the first check alone where its seal does not hold.

    Args:
        raw: the bytes of the pack.
        believed: by its reader.
    """
    try:
        files = verify_sealed_container(raw, believed.seals, pack.LIMITS).files
    except (BadContainer, BadSignature, ForeignSeal, Unreadable) as fault:
        return [Check("seal of the pack", Verdict.BAD, str(fault))]
    judge = _Judge(files, believed)
    told = f"holds over all {len(files)} files"
    return [Check("seal of the pack", Verdict.GOOD, told), *(_made(*each) for each in judge.checks())]


def _made(what: str, make: Callable[[], str]) -> Check:
    try:
        return Check(what, Verdict.GOOD, make())
    except _Open as reason:
        return Check(what, Verdict.OPEN, str(reason))
    except KeyError as missing:
        return Check(what, Verdict.BAD, f"{missing} is not in the pack")
    except (MemoryError, OSError):
        raise
    except Exception as fault:  # whatever a pack can make a check do means no
        return Check(what, Verdict.BAD, str(fault) or type(fault).__name__)


class _Judge:
    """The checks on the files of a pack whose seal holds."""

    def __init__(self, files: Mapping[str, bytes], believed: Believed) -> None:
        self._files = files
        self._believed = believed

    def checks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Each check by its name."""
        yield "receipt", self._check_receipt
        yield "acknowledgement", self._check_acknowledgement
        yield "signature of the batch", self._check_signature
        yield "certificate of its signer", self._check_certificate
        yield "returns", self._check_returns
        yield "journal", self._check_inclusion
        yield "what the journal says", self._check_entries
        yield "journal since then", self._check_growth
        yield "time stamps", self._check_stamps

    # what is in the pack

    @cached_property
    def _receipt(self) -> ackrec.Receipt:
        return ackrec.read(self._sealed(pack.RECEIPT))

    @cached_property
    def _acknowledgement(self) -> acktrt.Acknowledgement | None:
        if pack.ACKNOWLEDGEMENT not in self._files:
            return None
        return acktrt.read(self._sealed(pack.ACKNOWLEDGEMENT))

    @cached_property
    def _head(self) -> wire.JournalEntry:
        document = self._sealed(pack.HEAD)
        wire.expect(document, HEAD_FORM)
        return wire.read_journal(document)

    @cached_property
    def _batch(self) -> bytes:
        return self._only(pack.BATCH)

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        """The entries of the journal by their names in the pack."""
        return {
            name.removesuffix(".leaf"): _entry(content)
            for name, content in sorted(self._files.items())
            if name.startswith(pack.ENTRY) and name.endswith(".leaf")
        }

    @property
    def _returns(self) -> Mapping[str, bytes]:
        return {name: content for name, content in self._files.items() if name.startswith(pack.RETURN)}

    def _only(self, start: str) -> bytes:
        found = [content for name, content in self._files.items() if name.startswith(start)]
        if len(found) != 1:
            raise _Bad(f"{len(found)} files are called {start}* in place of one")
        return found[0]

    def _sealed(self, name: str) -> etree._Element:
        """What stands under our seal in a document of the pack."""
        return verify_seal(self._files[name], self._believed.seals).content

    def _reference(self) -> wire.DepositReference:
        reference = self._receipt.header.deposit
        if reference is None:
            raise _Bad("the receipt names no deposit")
        return reference

    # the checks

    def _check_receipt(self) -> str:
        told = self._reference()
        if (told.size, told.digest) != (len(self._batch), hashlib.sha256(self._batch).hexdigest()):
            raise _Bad("the batch has other bytes than the receipt says")
        return f"the batch is deposit {told.id} of {self._receipt.header.recipient}, received {told.received}"

    def _check_acknowledgement(self) -> str:
        found = self._acknowledgement
        if found is None:
            raise _Open("the batch was not treated yet")
        header = self._receipt.header
        if (found.header.deposit, found.header.recipient) != (header.deposit, header.recipient):
            raise _Bad("it is about another deposit")
        return f"{found.verdict}: {found.accepted} accepted, {found.rejected} rejected, {found.held} held"

    def _check_signature(self) -> str:
        found = self._acknowledgement
        if pack.SIGNER not in self._files:
            if found is None:
                raise _Open("no signer was believed yet")
            if found.verdict is not Fate.REJECTED:
                raise _Bad("the batch took effect, but the certificate of its signer is not in the pack")
            codes = ", ".join(sorted({anomaly.code for anomaly in found.anomalies}))
            return f"not relied on: the batch was refused as a whole ({codes})"
        content = self._only(pack.OPENED) if is_encrypted(self._batch) else self._batch
        claimed = _signed_by(content)
        if claimed != self._signer():
            raise _Bad("the batch is signed with another certificate than the one that was judged")
        whose = claimed.subject.rfc4514_string()
        opened = ", as found in what was encrypted" if is_encrypted(self._batch) else ""
        return f"holds; signed by {whose}{opened}"

    def _signer(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._files[pack.SIGNER])

    def _check_certificate(self) -> str:
        if pack.SIGNER not in self._files:
            raise _Open("no certificate was believed")
        chain = x509.load_pem_x509_certificates(self._files[pack.CHAIN]) if pack.CHAIN in self._files else []
        at = self._reference().received.at
        with tempfile.TemporaryDirectory() as folder:
            evidence = self._trust(Path(folder)).judge(self._signer(), chain, at)
        own = "" if self._believed.anchors else " (an anchor from the pack: compare it with the authority's)"
        return f"believed at {_second(at)}, up to {evidence.path[-1]}{own}"

    def _trust(self, folder: Path) -> Trust:
        anchors = [one.public_bytes(Encoding.PEM) for one in self._believed.anchors]
        (folder / "anchors").write_bytes(b"".join(anchors) or self._files[pack.ANCHOR])
        for number, one in enumerate(_lists(self._files.get(pack.LISTS, b""))):
            (folder / f"{number}.crl").write_bytes(one)
        for name, content in self._files.items():
            if name.startswith(pack.OCSP):
                (folder / f"{name}.ocsp").write_bytes(content)
        return Trust(folder / "anchors", folder, folder)

    def _check_returns(self) -> str:
        for content in self._returns.values():
            if content.startswith(MAGIC):
                verify_sealed_container(content, self._believed.seals)
            else:
                verify_seal(content, self._believed.seals)
        found = self._acknowledgement
        missing = set(found.returns) - set(self._returns) if found is not None else set()
        if missing:
            raise _Bad(f"the acknowledgement names what is not in the pack: {', '.join(sorted(missing))}")
        return f"{len(self._returns)} posted, each with its seal"

    def _check_inclusion(self) -> str:
        size, root = self._head.sequence, bytes.fromhex(self._head.hash)
        for name, entry in self._entries.items():
            steps = _steps(self._files[f"{name}.path"])
            if [side for side, _ in steps] != list(pack.sides(entry.sequence - 1, size)):
                raise _Bad(f"{name}: its path is not that of its place")
            check_inclusion(leaf_hash(entry), entry.sequence - 1, size, [other for _, other in steps], root)
        if not self._entries:
            raise _Bad("no entry of the journal is in the pack")
        return f"{len(self._entries)} entries stand in the sealed journal of {size}"

    def _check_entries(self) -> str:
        """The journal tells of this batch and of these answers, and every document has its entry."""
        told, recipient = self._reference(), str(self._receipt.header.recipient)
        entries = {entry.sequence: entry for entry in self._entries.values()}
        received = entries[self._receipt.journal.sequence]
        if (received.event.partition(" ")[0], received.subject, received.digest, received.at) != (
            "received",
            told.id,
            told.digest,
            told.received.at,
        ):
            raise _Bad("the journal tells otherwise of the receipt")
        found = self._acknowledgement
        if found is not None:
            treated = entries[found.journal.sequence]
            if treated.subject != told.id or treated.event not in ("treated", "rejected"):
                raise _Bad("the journal tells otherwise of the treatment")
        posted = {entry.digest: entry for entry in entries.values() if entry.event == "posted"}
        answers = [self._files[name] for name in _ANSWERS if name in self._files]
        for content in (*answers, *self._returns.values()):
            if hashlib.sha256(content).hexdigest() not in posted:
                raise _Bad("an answer is not in the journal")
        known = {told.id, *(entry.subject.partition(" ")[0] for entry in posted.values())}
        for entry in entries.values():
            if entry.member != recipient or entry.subject.partition(" ")[0] not in known:
                raise _Bad(f"entry {entry.sequence} is about something else")
        return "the same as the documents: " + ", ".join(_told(entries.values()))

    def _check_growth(self) -> str:
        """What the receipt and the acknowledgement promised is in the sealed journal."""
        found = self._acknowledgement
        stated = {"receipt": self._receipt.journal}
        if found is not None:
            stated["acknowledgement"] = found.journal
        for name, journal in stated.items():
            start, *proof = [other for _, other in _steps(self._files[f"{name}.consistency"])]
            root = bytes.fromhex(journal.hash)
            if journal.sequence & (journal.sequence - 1) and journal.sequence != self._head.sequence:
                proof.insert(0, start)
            elif start != root:
                raise _Bad(f"{name}: the proof starts elsewhere")
            check_consistency(
                journal.sequence, self._head.sequence, root, bytes.fromhex(self._head.hash), proof
            )
        return f"only added to since {' and '.join(stated)}"

    def _check_stamps(self) -> str:
        stamped = {
            name: verify_seal(self._files[name], self._believed.seals).stamp
            for name in (pack.HEAD, pack.STAMPED)
            if name in self._files
        }
        tokens = {name: token for name, token in stamped.items() if token is not None}
        if pack.STAMPED in self._files and stamped_bytes(self._files[pack.STAMPED]) != stamped_bytes(
            self._files[pack.ACKNOWLEDGEMENT]
        ):
            raise _Bad("the stamped acknowledgement is another one")
        if not tokens:
            raise _Open("there are none")
        if not self._believed.authorities:
            raise _Open(f"{len(tokens)} are there; name their authority to have them judged")
        moments = {
            name: check(token, stamped_bytes(self._files[name]), self._believed.authorities).at
            for name, token in tokens.items()
        }
        return ", ".join(f"{name} existed at {_second(at)}" for name, at in moments.items())


_ANSWERS = (pack.RECEIPT, pack.ACKNOWLEDGEMENT)


def _lists(pem: bytes) -> Iterator[bytes]:
    """The revocation lists in a PEM file, each in PEM."""
    end = b"-----END X509 CRL-----"
    yield from (part + end + b"\n" for part in pem.split(end) if part.strip())


def _signed_by(content: bytes) -> x509.Certificate:
    """Whose right signature a batch bears."""
    if content.startswith(MAGIC):
        boxed = detached.examine(open_container(content, pack.LIMITS))
        return detached.verify(boxed, boxed.certificate).certificate
    claim = examine(parse(content))
    return verify(claim, claim.certificate).certificate


def _entry(leaf: bytes) -> Entry:
    """The entry that a `.leaf` spells out.

    Raises:
        ValueError: it is not one.
    """
    fields: list[str] = []
    rest = leaf[1:]
    while rest:
        size = int.from_bytes(rest[:8])
        fields.append(rest[8 : 8 + size].decode())
        rest = rest[8 + size :]
    sequence, moment, *texts = fields
    entry = Entry(int(sequence), datetime.fromisoformat(moment), *texts)
    if leaf_bytes(entry) != leaf:
        raise ValueError("an entry of the journal is not spelt as it should be")
    return entry


def _steps(lines: bytes) -> list[tuple[str, bytes]]:
    """The lines of a `.path` or a `.consistency`.

    Raises:
        ValueError: one is not as it should be.
    """
    pairs = [line.split(" ") for line in lines.decode().splitlines()]
    return [(side, bytes.fromhex(other)) for side, other in pairs]


def _told(entries: Collection[Entry]) -> Iterator[str]:
    for entry in sorted(entries, key=lambda one: one.sequence):
        yield f"{entry.event} {_second(entry.at)}"


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
