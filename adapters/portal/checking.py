"""From the files that somebody dropped to what could be sent: told apart, signed if need be, and checked.

No XML from outside is read here: what is not signed yet goes into a container as it is, and the container is
examined in a booth like every deposit. What is found is what sending would bring (`Simulations`); when
no simulation can be made now, signature and form are judged alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from uuid import uuid4

from lxml import etree

from adapters.booth import booths
from adapters.database.portal import CheckedFile, Desk, new_id
from adapters.portal.findings import Findings
from adapters.simulation import NotNow, NotSimulated, Simulations
from gateway import names
from gateway.batch import Anomaly, MemberId
from gateway.client.parcels import Ungrouped, group
from gateway.moments import Clock, Received
from gateway.names import Extension, Office
from gateway.outcome import NotYet, Rejected
from gateway.people import PortalPerson, Role
from gateway.procedures import PAYROLL, PROCEDURES
from gateway.process import Desk as Counter
from gateway.returns import simres
from inbox.receive import Deposit, TooLarge
from signing.container import MAGIC
from signing.encrypted import is_encrypted
from signing.profile import DS
from signing.sign import Signer

MOST_FILES = 40
"""In one go: a batch of persons may have a scan for each."""
LARGEST = 10_000_000
"""Bytes of all together; larger batches come over SFTP or by program."""

_ROOT = re.compile(rb"<([A-Z]{6,7})[\s>]")
_LOOK = 4_000
_CODES = frozenset({PAYROLL, *(one.code for one in PROCEDURES)})


class Unusable(Exception):
    """A file that cannot even be checked.

    Attributes:
        key: of the text that says why.
        name: of the file, as it was given.
    """

    def __init__(self, key: str, name: str) -> None:
        super().__init__(key)
        self.key = key
        self.name = name[:200]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would be sent.

    Attributes:
        name: under which.
        given: names of the files it was made of.
        source: SHA-256 of these files.
    """

    name: str
    given: str
    content: bytes
    source: str


class Checking:
    """Checks files of members.

    Args:
        desk: where they lie until they are sent.
        simulations: tell what sending would bring.
        counter: what the counter of the gateway knows.
    """

    def __init__(
        self, desk: Desk, simulations: Simulations, counter: Counter, clock: Clock, environment: str
    ) -> None:
        self._desk = desk
        self._simulations = simulations
        self._counter = counter
        self._clock = clock
        self._environment = environment

    def take(self, who: PortalPerson, files: Sequence[tuple[str, bytes]]) -> list[str]:
        """Check files and lay them on the desk; their ids.

        Raises:
            Unusable: one of them cannot be checked. None was kept.
        """
        return [self._keep(who, one) for one in self._prepared(who, files)]

    def lay(self, who: PortalPerson, name: str, given: str, content: bytes) -> str:
        """Check a batch that was made and signed here, and lay it on the desk; its id."""
        source = hashlib.sha256(content + b"made here").hexdigest()
        return self._keep(who, Prepared(name, given, content, source))

    def _keep(self, who: PortalPerson, one: Prepared) -> str:
        digest = hashlib.sha256(one.content).hexdigest()
        found = self.check(who.member, one.name, one.content)
        new = CheckedFile(
            new_id(),
            who.id,
            one.name,
            one.given,
            len(one.content),
            digest,
            one.source,
            Received(self._clock()),
            None,
        )
        self._desk.put(who, new, one.content, found.write())
        return new.id

    def check(self, member: MemberId, name: str, content: bytes) -> Findings:
        """What sending these bytes would bring; their form only, when that cannot be told now."""
        why = "known"
        if self._desk.deposited(member, hashlib.sha256(content).hexdigest()) is None:
            try:
                with self._simulations.admission(member):
                    answer = self._simulations.simulate(member, name, content)
                return Findings.of(simres.read(etree.fromstring(answer)))
            except NotNow:
                why = "later"
            except (NotSimulated, TooLarge):
                why = "too_many"
        return self._examined(member, name, content, why)

    def _examined(self, member: MemberId, name: str, content: bytes, why: str) -> Findings:
        digest = hashlib.sha256(content).hexdigest()
        tried = Deposit(str(uuid4()), str(member), name, len(content), digest, self._clock(), "portal")
        try:
            batch = booths().examine(content, tried, self._counter).batch
        except Rejected as refusal:
            return Findings("form", why, "rejected", 0, 0, 0, 0, tuple(refusal.anomalies))
        except NotYet:
            return Findings("form", "revocation", "", 0, 0, 0, 0, ())
        parts = batch.parts or (batch,)
        anomalies: tuple[Anomaly, ...] = tuple(one for part in parts for one in part.anomalies)
        malformed = sum(len(part.malformed) for part in parts)
        counts = batch.size, batch.size - malformed, malformed, 0
        return Findings("form", why, "", *counts, anomalies)

    def _prepared(self, who: PortalPerson, files: Sequence[tuple[str, bytes]]) -> list[Prepared]:
        plain: dict[str, bytes] = {}
        ready: list[Prepared] = []
        for given, content in files:
            name = PurePosixPath(given.replace("\\", "/")).name[:200]
            if not content:
                raise Unusable("empty", name)
            if is_signed(content):
                ready.append(Prepared(name, name, content, hashlib.sha256(content).hexdigest()))
            elif name in plain:
                raise Unusable("twice", name)
            else:
                plain[name] = content
        return [*ready, *self._signed(who, plain)]

    def _signed(self, who: PortalPerson, files: Mapping[str, bytes]) -> list[Prepared]:
        """Files without a signature, each batch with its annexes in a container signed for the member."""
        if not files:
            return []
        first = next(iter(files))
        for name, content in files.items():
            if not _may_be(name, content):
                raise Unusable("kind", name)
        if not who.may(Role.SENDS):
            raise Unusable("unsigned_reader", first)
        now = Received(self._clock())
        signer = self._desk.signer(who.member, now)
        if signer is None:
            raise Unusable("unsigned", first)
        return self._packed(who.member, signer, files, now)

    def _packed(
        self, member: MemberId, signer: Signer, files: Mapping[str, bytes], now: Received
    ) -> list[Prepared]:
        try:
            parcels = group([Path(name) for name in files])
        except Ungrouped:
            raise Unusable("ungrouped", next(iter(files))) from None
        if not parcels:
            raise Unusable("no_batch", next(iter(files)))
        made = []
        for place, parcel in enumerate(parcels):
            batch = parcel.batch.name
            code = _code(batch, files[batch], parcel.procedure)
            inside = f"{code}{parcel.batch.suffix.lower()}"
            contents = {inside: files[batch], **{one.name: files[one.name] for one in parcel.attachments}}
            content = signer.sign_container(contents, now.at)
            source = hashlib.sha256(b"".join(contents.values())).hexdigest()
            made.append(Prepared(self.name(code, member, now, place), batch, content, source))
        return made

    def name(
        self,
        code: str,
        member: MemberId,
        at: Received,
        place: int = 0,
        extension: Extension = Extension.ASICE,
    ) -> str:
        """A file name for a deposit made now; those made together are a hundredth of a second apart."""
        office = Office.of(self._environment)
        found = names.FileName(
            code, names.stamp(at.at), member, incoming=True, extension=extension, office=office
        )
        for _ in range(place):
            found = names.next_stamp(found)
        return str(found)


def is_signed(content: bytes) -> bool:
    """Whether bytes come with a signature of their own, as far as can be told without reading them: what is
    taken for signed wrongly is refused by the counter, as is what is signed once more."""
    return content.startswith(MAGIC) or is_encrypted(content) or DS.encode() in content


def _may_be(name: str, content: bytes) -> bool:
    """Whether a file can be a batch or go with one, by its name and first bytes."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".xml":
        return b"<" in content[:200]
    if suffix == ".dta":
        return (
            not content.startswith((b"<", b"%PDF", b"\x89PNG", b"\xff\xd8")) and b"\0" not in content[:1000]
        )
    return suffix in (".jpg", ".jpeg", ".pdf")


def _code(name: str, content: bytes, told: str) -> str:
    """The procedure of a batch, by its name or its first element.

    Raises:
        Unusable: neither tells it.
    """
    if told:
        return told
    found = _ROOT.search(content[:_LOOK])
    code = found[1].decode() if found else ""
    if code not in _CODES:
        raise Unusable("no_batch", name)
    return code
