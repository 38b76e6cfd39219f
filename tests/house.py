"""A gateway for tests, on real premises in a temporary folder, and members with real keys."""

from __future__ import annotations

import base64
import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeVar

import paramiko
from lxml import etree
from PIL import Image

from adapters.database.deposits import Kept
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.installation import VALIDITY, install, write_ssh_key
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from adapters.premises import Premises
from adapters.serve import Doors, Gateway
from adapters.settings import Settings
from adapters.verification import inspect
from gateway import names, wire
from gateway.batch import Header, MemberId
from gateway.client.profile import Profile
from gateway.contributions import Classification
from gateway.moments import Clock, Received, system_clock
from gateway.names import Extension
from gateway.procedures import PROCEDURES, procedure
from gateway.procedures.judgement import calendar_day
from gateway.registers import Affiliation
from gateway.rejections import REJECTIONS, Level
from gateway.returns import acktrt
from gateway.states import OPEN
from inbox.receive import Receipt, receive
from signing.certificates import load_seals
from signing.sign import Signer
from tests import databases

EMPLOYER = "2099990001299"
OTHER_EMPLOYER = "2099990002099"
FOREIGN_EMPLOYER = "2099990003999"
INSURED = "1893120105732"
MEMBER = MemberId(EMPLOYER, "100001")
OTHER_MEMBER = MemberId(OTHER_EMPLOYER, "200002")
PATIENCE_SECONDS = 30.0


class MovingClock:
    """A clock that stands where a test puts it, a microsecond later at each look, in any thread."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.lock = Lock()

    def __call__(self) -> datetime:
        with self.lock:
            self.at += timedelta(microseconds=1)
            return self.at


@dataclass(frozen=True, slots=True)
class Sender:
    """A registered member with its keys."""

    member: MemberId
    signer: Signer
    profile: Path


def _stamps() -> Iterator[datetime]:
    at = datetime(2026, 8, 3, 8, 0, tzinfo=UTC)
    while True:
        at += timedelta(milliseconds=10)
        yield at


@dataclass(slots=True)
class House:
    """A gateway with its premises; members and employers can be entered at will."""

    folder: Path
    settings: Settings
    clock: Clock
    gateway: Gateway
    doors: Doors | None = None
    stamps: Iterator[datetime] = field(default_factory=_stamps)

    @property
    def authority(self) -> Authority:
        premises = Premises(self.settings.data)
        return Authority.load(premises.authority_key, premises.authority_certificate)

    @property
    def trust(self) -> Path:
        return Premises(self.settings.data).anchors / "throw-away.pem"

    @property
    def seals(self) -> Path:
        return Premises(self.settings.data).seals

    def findings(self) -> tuple[str, ...]:
        """What `secugate verify` finds."""
        return inspect(self.gateway.database, self.gateway.spool, load_seals(self.seals)).findings

    def employer(self, matricule: str, name: str = "Made-up Ltd") -> None:
        """Enter an employer, class 2, factor 0.85, in every year that matters."""
        years = dict.fromkeys(range(2019, 2031), Classification(2, 85))
        self.gateway.members.enter_employer(matricule, name=name, years=years)

    def sender(
        self,
        member: MemberId,
        employers: Sequence[str],
        *,
        key: KeyKind = KeyKind.P256,
        valid: tuple[datetime, datetime] | None = None,
        kind: str = "employer",
    ) -> Sender:
        """Register a member with keys of its own and mandates for some employers."""
        now = Received(self.clock())
        home = self.folder / "members" / str(member)
        home.mkdir(parents=True)
        private = new_key(key)
        first, last = valid or (now.at - timedelta(days=1), now.at + VALIDITY)
        certificate = self.authority.issue(
            Subject(f"Member {member}", serial_number=str(member)), private.public_key(), first, last
        )
        write_key(home / "member.key.pem", private)
        write_certificates(home / "member.cert.pem", certificate)
        write_ssh_key(home / "member_ed25519")
        members = self.gateway.members
        members.register(member, name=f"Member {member}", kind=kind, at=now)
        members.add_certificate(member, certificate, now)
        algorithm, text = (home / "member_ed25519.pub").read_text().split()[:2]
        public = paramiko.PKey.from_type_string(algorithm, base64.b64decode(text))
        members.add_ssh_key(member, public.fingerprint, f"{algorithm} {text}", now)
        codes = [each.code for each in PROCEDURES] + ["CALCUL"]
        for employer in employers:
            members.grant(member, employer, codes, first=date(2000, 1, 1), last=None, at=now)
        return Sender(member, Signer(private, certificate), self._profile(home, member))

    def _profile(self, home: Path, member: MemberId) -> Path:
        premises = Premises(self.settings.data)
        (home / "gateway-root.pem").write_bytes(self.trust.read_bytes())
        (home / "gateway-seal.pem").write_bytes((self.seals / "throw-away.pem").read_bytes())
        lines = {
            "member": str(member),
            "environment": self.settings.environment,
            "https": self.doors.https if self.doors else "",
            "sftp": self.doors.sftp if self.doors else "",
            "trust": "gateway-root.pem",
            "seal": "gateway-seal.pem",
            "host_key": "known_hosts",
            "certificate": "member.cert.pem",
            "key": "member.key.pem",
            "ssh_key": "member_ed25519",
        }
        if self.doors:
            host, _, port = self.doors.sftp.rpartition(":")
            public = premises.ssh_host_key.with_name(premises.ssh_host_key.name + ".pub").read_text()
            (home / "known_hosts").write_text(f"[{host}]:{port} {public}")
        profile = home / "profile.toml"
        profile.write_text("".join(f'{name} = "{text}"\n' for name, text in lines.items()))
        return profile

    def affiliate(self, *insured: str, employer: str = EMPLOYER) -> None:
        """Enter affiliations that began long ago, without a declaration."""
        with self.gateway.database.write() as connection:
            register = SqlAffiliations(connection)
            for matricule in insured:
                register.open(Affiliation(employer, matricule, date(2015, 1, 1), None, "I", "03"))

    def name(self, code: str, member: MemberId, extension: Extension = Extension.XML) -> str:
        """A file name that was never used."""
        stamp = names.stamp(next(self.stamps))
        return str(names.FileName(code, stamp, member, incoming=True, extension=extension))

    def batch(
        self,
        sender: Sender,
        code: str,
        records: Sequence[Mapping[str, str]],
        *,
        header: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> bytes:
        """A signed batch."""
        return sender.signer.sign(self.plain(sender, code, records, **(header or {})), at or self.clock())

    def plain(
        self, sender: Sender, code: str, records: Sequence[Mapping[str, str]], **header: str
    ) -> etree._Element:
        """A batch without signature."""
        given = Header(
            procedure=code,
            version=header.get("version", "1.0"),
            sender=sender.member,
            recipient=header.get("recipient", "CCSS"),
            environment=header.get("environment", self.settings.environment),
            created=self.clock(),
        )
        return wire.write_batch(given, procedure(code).record, records)

    def receive(self, sender: Sender, name: str, content: bytes, door: str = "https") -> Receipt:
        """Deposit bytes as a door does."""
        upload = self.gateway.inbox.begin()
        upload.write(0, content)
        return receive(self.gateway.inbox, upload, sender=str(sender.member), name=name, door=door)

    def send(self, sender: Sender, code: str, records: Sequence[Mapping[str, str]]) -> Outcome:
        """Sign, deposit, wait; what came back."""
        return self.outcome(sender, self.receive(sender, *self.signed(sender, code, records)).deposit)

    def signed(self, sender: Sender, code: str, records: Sequence[Mapping[str, str]]) -> tuple[str, bytes]:
        """A signed deposit and its name; a DEMMAT goes in a container with a scan for each person."""
        if code != "DEMMAT":
            return self.name(code, sender.member), self.batch(sender, code, records)
        files = {"DEMMAT.xml": etree.tostring(self.plain(sender, code, records))}
        files |= scans(sender.member, [calendar_day(record.get("BirthDate", "")) for record in records])
        content = sender.signer.sign_container(files, self.clock())
        return self.name(code, sender.member, Extension.ASICE), content

    def send_files(self, sender: Sender, code: str, files: Mapping[str, bytes]) -> Outcome:
        """Sign files in a container, deposit, wait; what came back."""
        content = sender.signer.sign_container(files, self.clock())
        name = self.name(code, sender.member, Extension.ASICE)
        return self.outcome(sender, self.receive(sender, name, content).deposit)

    def wait(self, sender: Sender, deposit: str) -> Kept:
        """The deposit once it has been treated."""
        return wait_for(lambda: self.treated(sender, deposit))

    def treated(self, sender: Sender, deposit: str) -> Kept | None:
        """The deposit if it has been treated."""
        found = self.gateway.deposits.find(str(sender.member), deposit)
        return found if found and found.state not in OPEN else None

    def outcome(self, sender: Sender, deposit: str) -> Outcome:
        """The deposit once it has been treated, with its acknowledgement and returns."""
        kept = self.wait(sender, deposit)
        answers = {
            listed.answer.kind: self.content(sender, listed.answer.id)
            for listed in self.gateway.outbox.collection.after(str(sender.member), 0, 10_000)
            if listed.answer.deposit == deposit
        }
        return Outcome(kept, acktrt.read(etree.fromstring(answers[acktrt.CODE])), answers)

    def content(self, sender: Sender, answer: str) -> bytes:
        found = self.gateway.outbox.collection.content(str(sender.member), answer)
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a deposit: its state, its acknowledgement, and all answers by kind."""

    kept: Kept
    acknowledgement: acktrt.Acknowledgement
    answers: Mapping[str, bytes]

    @property
    def verdict(self) -> str:
        return self.acknowledgement.verdict.value

    @property
    def codes(self) -> list[str]:
        """The codes that refuse, in order."""
        return [code for code in self._found() if REJECTIONS[code].level is not Level.HINT]

    @property
    def hints(self) -> list[str]:
        """The codes that do not refuse, in order."""
        return [code for code in self._found() if REJECTIONS[code].level is Level.HINT]

    def _found(self) -> list[str]:
        return [anomaly.code for anomaly in self.acknowledgement.anomalies]


Found = TypeVar("Found")


def wait_for(find: Callable[[], Found | None]) -> Found:
    """Ask until there is an answer; fail after a while."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = find()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


def scans(member: MemberId, birth_dates: Sequence[date | None]) -> dict[str, bytes]:
    """A scan for each person, by its official name; none where the birth date is not legible."""
    born_that_day: Counter[date] = Counter()
    files: dict[str, bytes] = {}
    for born in birth_dates:
        if born is not None:
            subject = f"{born:%Y%m%d}{born_that_day[born]}"
            files[f"CARTID{subject}.{member.matricule}_{member.number}.JPG"] = scan()
            born_that_day[born] += 1
    return files


@cache
def scan() -> bytes:
    """The smallest picture that is taken for the scan of an identity document."""
    packed = io.BytesIO()
    Image.new("RGB", (16, 10), (0, 120, 60)).save(packed, "JPEG", quality=85, dpi=(150, 150))
    return packed.getvalue()


@contextmanager
def house(
    folder: Path,
    *,
    clock: Clock = system_clock,
    doors: bool = False,
    environment: Literal["production", "test"] = "test",
    **settings: Any,
) -> Iterator[House]:
    """A gateway in a folder, its engine running; with `doors` its doors are open as well."""
    data = folder / "gateway"
    given = Settings(
        data=data,
        database=databases.address_of(Premises(data).database),
        environment=environment,
        **{"https_port": 0, "sftp_port": 0, **settings},
    )
    with databases.set_for_commands(Premises(data).database):
        yield from _opened(folder, given, clock, doors=doors)


def _opened(folder: Path, given: Settings, clock: Clock, *, doors: bool) -> Iterator[House]:
    install(given, clock())
    gateway = Gateway(given, clock)
    home = House(folder, given, clock, gateway)
    if doors:
        home.doors = gateway.start()
    else:
        gateway.engine.start()
    # The first look at what falls due with time is over before a test enters anything.
    gateway.engine.wake()
    wait_for(lambda: gateway.engine._swept)
    try:
        yield home
    finally:
        if doors:
            gateway.stop()
        else:
            gateway.engine.stop()
            gateway.database.close()


def profile(sender: Sender) -> Profile:
    """A sender's profile, read as its own client reads it."""
    return Profile.load(sender.profile)


def wage(insured: str = INSURED, employer: str = EMPLOYER, **changes: str) -> dict[str, str]:
    """A good wage record; changes replace or add fields, in the order of the form."""
    fields = {
        "Employer": employer,
        "Insured": insured,
        "Period": "2026-07",
        "BaseWage": "3812.40",
        "WorkHours": "173",
    }
    return {**fields, **changes}


def entry(insured: str = INSURED, employer: str = EMPLOYER, **changes: str) -> dict[str, str]:
    """A good entry declaration."""
    fields = {
        "Kind": "entry",
        "Employer": employer,
        "Insured": insured,
        "Country": "LU",
        "Postcode": "1111",
        "Town": "LUXEMBOURG",
        "Occupation": "COMPTABLE",
        "OccupationCode": "2411",
        "Scheme": "03",
        "WeeklyHours": "40.00",
        "ContractType": "I",
        "Entry": "2026-07-01",
        "WorkplaceCountry": "LU",
        "WorkplacePostcode": "1111",
        "WorkplaceTown": "LUXEMBOURG",
    }
    return {**fields, **changes}


def person(**changes: str) -> dict[str, str]:
    """A good request for a matricule."""
    fields = {
        "Employer": EMPLOYER,
        "Surname": "MUSTER",
        "FirstName": "ANNA",
        "BirthDate": "1891-02-03",
        "Nationality": "DE",
        "HouseNumber": "1",
        "Street": "HAUPTSTRASSE",
        "Country": "DE",
        "Postcode": "54290",
        "Town": "TRIER",
    }
    return {**fields, **changes}
