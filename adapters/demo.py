"""One month through a gateway on this machine: the story that `make demo` tells.

The gateway and every client are processes of their own; they meet only at the doors. The story and
what is expected of it are data: `examples/month.yaml`. Nothing is left running, unless asked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import yaml
from lxml import etree

from adapters.database.members import ALL, Members
from adapters.equipment import enter_keys, equip, introduce
from adapters.installation import install
from adapters.premises import Premises, database_of
from adapters.settings import Settings
from gateway import names, wire
from gateway.agreement import Agreement
from gateway.batch import MemberId
from gateway.billing import AccountStatement, Calculation
from gateway.billing.differences import Comparison
from gateway.calendar import first_working_day
from gateway.client.profile import Profile
from gateway.client.seals import GOOD, seal_verdict
from gateway.contributions import Classification
from gateway.moments import Received, months_after, system_clock
from gateway.money import euro
from gateway.returns import acktrt, calcul, calend, chapro, chgmat, difcal, extcpt, info, lisper, salman
from signing.parse import parse

EXAMPLES = Path(__file__).parent.parent / "examples"
PATIENCE_SECONDS = 120.0
ENVIRONMENT = "test"
NOTICES = (salman.CODE, lisper.CODE, chapro.CODE, chgmat.CODE, calend.CODE)
JULY = 7
"""Month in which most kinds of notices are due."""
SENT_TWICE = "sent-twice"
BROKEN_SIGNATURE = "broken-signature"

Say = Callable[[str], None]


class DemoFailed(Exception):
    """Something did not go as the story tells."""


@dataclass(frozen=True, slots=True)
class Step:
    """One deposit of the story.

    Attributes:
        file: payroll output in `examples/`.
        member: who sends it.
        procedure: under which.
        door: `https` or `sftp`.
        twist: what is odd about it, or `none`.
        title: what it is meant to show.
        expect: what should come back.
        with_it: scans and annexes in `examples/` that go with it in one container.
    """

    file: str
    member: str
    procedure: str
    door: str
    twist: str
    title: str
    expect: Mapping[str, Any]
    with_it: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Step:
        """A step as the story has it, where `with` lists what goes with the file."""
        return cls(**{"with_it" if name == "with" else name: each for name, each in told.items()})


@dataclass(slots=True)
class Sent:
    """A deposit of the story as it went: the batch, its receipt and its acknowledgement."""

    step: Step
    batch: Path
    receipt: Path | None = None
    acknowledgement: Path | None = None
    outcome: acktrt.Acknowledgement | None = None


@dataclass(slots=True)
class Collected:
    """An answer that a member collected, its verdict if it has one, and what was found of its signature."""

    member: str
    file: Path
    kind: str
    signature: str = ""
    verdict: str | None = None


@dataclass(slots=True)
class Month:
    """All that happened, for the table and for `--json`."""

    trust: Path
    seals: Path
    deposits: list[Sent] = field(default_factory=list)
    answers: list[Collected] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)
    notified: set[str] = field(default_factory=set)
    """Names of the notices that the story has posted; the gateway may post the present month's by itself."""

    @property
    def ok(self) -> bool:
        return not self.faults

    def of_kind(self, *kinds: str) -> list[Collected]:
        """The answers of some kinds."""
        return [answer for answer in self.answers if answer.kind in kinds]

    def pages(self) -> Iterator[tuple[str, bytes]]:
        """The account statements as people read them: file name and PDF."""
        for answer in self.of_kind(info.CODE):
            if names.parse(answer.file.name).type == extcpt.CODE:
                with ZipFile(answer.file) as container:
                    for name in container.namelist():
                        if name.endswith(names.Extension.PDF):
                            yield name, container.read(name)

    def comparisons(self) -> list[Comparison]:
        """Own computations beside what was charged."""
        return [
            difcal.read(etree.parse(answer.file).getroot()).comparison for answer in self.of_kind(difcal.CODE)
        ]

    def statements(self) -> list[AccountStatement]:
        """The account statements that were collected."""
        return [
            extcpt.read(etree.parse(answer.file).getroot()).statement for answer in self.of_kind(extcpt.CODE)
        ]

    def calculations(self) -> list[Calculation]:
        """The monthly details that were collected."""
        return [
            calcul.read(etree.parse(answer.file).getroot()).calculation
            for answer in self.of_kind(calcul.CODE)
        ]


def run(folder: Path, say: Say) -> tuple[Month, Gateway]:
    """Play the month in a new folder; the gateway is left running for the caller to stop."""
    story = yaml.safe_load((EXAMPLES / "month.yaml").read_text())
    cast = yaml.safe_load((EXAMPLES / "members.yaml").read_text())
    settings = Settings(data=folder / "gateway", environment=ENVIRONMENT)
    install(settings, system_clock())
    premises = Premises(settings.data)
    say("Made a gateway with a throw-away authority, keys and database")
    gateway = Gateway.open(premises)
    try:
        month = Month(premises.anchors / "throw-away.pem", premises.seals)
        profiles = _register(cast, premises, folder, gateway)
        say(f"Registered {len(profiles)} members, their keys, employers and mandates")
        _play(story, profiles, month, say)
        _bill(story["period"], premises, profiles, month, say)
        _notify(story["renumbered"], premises, profiles, month, say)
        _judge(story, month)
        return month, gateway
    except BaseException:
        gateway.close()
        raise


@dataclass(slots=True)
class Gateway:
    """A gateway process of the demo."""

    process: subprocess.Popen[str]
    https: str
    sftp: str
    premises: Premises

    @classmethod
    def open(cls, premises: Premises) -> Gateway:
        """Start it on free ports and wait until its doors are open."""
        command = [
            *_secugate("serve"),
            "--data",
            str(premises.folder),
            "--https-port",
            "0",
            "--sftp-port",
            "0",
        ]
        log = premises.folder / "gateway.log"
        with log.open("w") as errors:
            process = subprocess.Popen(  # noqa: S603
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment()
            )
        assert process.stdout is not None
        if not process.stdout.readline():
            process.wait()
            raise DemoFailed(f"the gateway did not start: {log.read_text().strip()}")
        doors = json.loads(premises.doors.read_text())
        return cls(process, doors["https"], doors["sftp"], premises)

    def close(self) -> None:
        """Stop it as an operator would, and wait."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "SECUGATE_ENVIRONMENT": ENVIRONMENT}


def _secugate(*arguments: str) -> list[str]:
    """The command of this very installation."""
    return [sys.executable, "-m", "adapters.cli", *arguments]


def _client(*arguments: str) -> str:
    """Run a sender's or operator's command in a process of its own; what it printed."""
    done = subprocess.run(  # noqa: S603
        _secugate(*arguments), capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode:
        raise DemoFailed(f"secugate {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _register(cast: Mapping[str, Any], premises: Premises, folder: Path, gateway: Gateway) -> dict[str, Path]:
    """Enter employers, members and mandates; give each member keys and a profile. By member: its profile."""
    members = Members(database_of(Settings(data=premises.folder)))
    now = Received(system_clock())
    for each in cast["employers"]:
        years = {
            year: Classification(set_["mde_class"], set_["accident_factor"])
            for year, set_ in each["years"].items()
        }
        members.enter_employer(each["matricule"], name=each["name"], years=years)
    profiles: dict[str, Path] = {}
    for key, each in cast["members"].items():
        who = MemberId(each["matricule"], each["number"])
        members.register(who, name=each["name"], kind=each["kind"], at=now)
        if each.get("own_computation"):
            members.agree(who, Agreement(ALL, own_computation=True), now)
        home = folder / "members" / key
        equip(home, who, each["name"], premises, now)
        profiles[key] = introduce(home, who, premises, gateway.https, gateway.sftp)
        enter_keys(members, who, home, now)
        for mandate in each["mandates"]:
            first = date.fromisoformat(mandate["from"])
            codes = mandate["procedures"]
            members.grant(who, mandate["employer"], codes, first=first, last=None, at=now)
    return profiles


def portal_link(premises: Premises) -> str:
    """A one-time link to the portal of the employer of the story, as the operator's command prints it."""
    cast = yaml.safe_load((EXAMPLES / "members.yaml").read_text())
    employer = cast["members"]["employer"]
    member = employer["matricule"] + employer["number"]
    person = ["--person", "Anna Weber", "--json"]
    found = json.loads(_client("portal", "link", member, *person, "--data", str(premises.folder)))
    return str(found["link"])


def _play(story: Mapping[str, Any], profiles: Mapping[str, Path], month: Month, say: Say) -> None:
    """Make the batches, send them in the order of the story, collect what comes back."""
    steps = [Step.of(each) for each in story["deposits"]]
    batches = _make_batches(steps, profiles)
    say(f"Turned {len({step.file for step in steps})} payroll files into signed XML batches")
    for (member, door), run in groupby(
        zip(steps, batches, strict=True), lambda each: (each[0].member, each[0].door)
    ):
        sent = [Sent(step, batch) for step, batch in run]
        month.deposits.extend(sent)
        _send(profiles[member], door, sent)
        say(f"{member} sent {len(sent)} over {door.upper()}: {', '.join(one.step.procedure for one in sent)}")
    expected = Counter(step.member for step in steps if step.twist != SENT_TWICE)
    _collect_until(lambda: _acknowledged(month) >= expected, profiles, month)
    say(f"Collected {len(month.answers)} signed receipts, acknowledgements and returns")


def _make_batches(steps: Sequence[Step], profiles: Mapping[str, Path]) -> list[Path]:
    """Convert and sign each member's files, one client process each; the signed batch of each step.

    A batch that is sent twice is made once. What is XML already is not converted, nor what goes into a
    container together with scans or annexes.
    """
    signed: dict[tuple[str, str], Path] = {}
    for member, profile in profiles.items():
        files = list(dict.fromkeys(step.file for step in steps if step.member == member))
        plain, ready = profile.parent / "batches", profile.parent / "signed"
        packed = {step.file: step.with_it for step in steps if step.member == member and step.with_it}
        flat = [file for file in files if file.endswith(".dta") and file not in packed]
        made = json.loads(
            _client("convert", *(str(EXAMPLES / file) for file in flat), "--out", str(plain), "--json")
        )
        paths = {file: Path(each["file"]) for file, each in zip(flat, made, strict=True)}
        who, now = Profile.load(profile).member, Received(system_clock())
        written = {
            # A hundredth apart: a name never repeats.
            file: moved_on(EXAMPLES / file, plain, who, Received(now.at + timedelta(milliseconds=10 * place)))
            for place, file in enumerate(files)
            if file.endswith(".xml")
        }
        paths |= {file: path for file, path in written.items() if file not in packed}
        _client("sign", *map(str, paths.values()), "--profile", str(profile), "--out", str(ready))
        signed |= {(member, file): ready / path.name for file, path in paths.items()}
        for file, others in packed.items():
            batch = written.get(file, EXAMPLES / file)
            signed[member, file] = _sign_together(
                file, [batch, *(EXAMPLES / each for each in others)], profile
            )
    for step in steps:
        if step.twist == BROKEN_SIGNATURE:
            _break(signed[step.member, step.file])
    return [signed[step.member, step.file] for step in steps]


def _sign_together(file: str, paths: Sequence[Path], profile: Path) -> Path:
    """Sign a batch and what goes with it in one container; the container."""
    folder = profile.parent / "containers" / Path(file).stem
    _client("sign", *map(str, paths), "--profile", str(profile), "--out", str(folder))
    (container,) = folder.iterdir()
    return container


def moved_on(file: Path, folder: Path, who: MemberId, now: Received) -> Path:
    """An XML batch as it would be made now, under a name of its own.

    Its days are moved on by the months since it was written: what is declared in advance, or reaches
    back a few months at the most, is never old.
    """
    root = parse(file.read_bytes())
    created = wire.child(wire.child(root, "Header"), "Created")
    written = Received.parse(wire.value(created)).day
    months = 12 * (now.day.year - written.year) + now.day.month - written.month
    for element in root.iter(*(f"{{{wire.NAMESPACE}}}{name}" for name in ("First", "Last"))):
        element.text = months_after(date.fromisoformat(wire.value(element)), months).isoformat()
    created.text = now.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    code = etree.QName(root).localname
    batch = folder / str(names.FileName(code, names.stamp(now.at), who, incoming=True))
    batch.write_bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
    return batch


def _break(batch: Path) -> None:
    """Raise one wage by a euro after the signature, as a forger would."""
    content = batch.read_bytes()
    place = content.index(b"</BaseWage>") - 4
    digit = (content[place] - ord("0") + 1) % 10
    batch.write_bytes(content[:place] + str(digit).encode() + content[place + 1 :])


def _send(profile: Path, door: str, sent: Sequence[Sent]) -> None:
    files = [str(one.batch) for one in sent]
    if door == "sftp" and (sftp := shutil.which("sftp")):
        _send_by_openssh(sftp, Profile.load(profile), files)
        return
    receipts = profile.parent / "receipts"
    printed = _client(
        "send", *files, "--profile", str(profile), "--door", door, "--out", str(receipts), "--json"
    )
    if door == "https":
        for one, each in zip(sent, json.loads(printed), strict=True):
            one.receipt = Path(each["receipt"])


def _send_by_openssh(sftp: str, profile: Profile, files: Sequence[str]) -> None:
    """Deposit with the sftp of OpenSSH, as payroll systems do."""
    host, _, port = profile.sftp.rpartition(":")
    options = [
        "IdentitiesOnly=yes",
        f"IdentityFile={profile.ssh_key}",
        f"UserKnownHostsFile={profile.host_key}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
    ]
    command = [sftp, "-q", "-F", "/dev/null", "-b", "-", "-P", port]
    for option in options:
        command += ["-o", option]
    batch = "".join(f'put "{file}" "/inbox/{Path(file).name}"\n' for file in files)
    done = subprocess.run(  # noqa: S603
        [*command, f"{profile.member}@{host}"], input=batch, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DemoFailed(f"sftp: {done.stderr.strip()}")


def _bill(period: str, premises: Premises, profiles: Mapping[str, Path], month: Month, say: Say) -> None:
    """Run billing and collect what it posted."""
    billed = json.loads(_client("bill", "--period", period, "--data", str(premises.folder), "--json"))
    issued = billed["issued"]
    say(f"Billed {period}: {len(issued)} account statements")
    due = sum(2 * len(each["recipients"]) for each in issued)
    _collect_until(
        lambda: (
            len(month.of_kind(calcul.CODE, extcpt.CODE)) >= due
            and len(list(month.pages())) >= billed["pages"]
            and len(month.comparisons()) >= billed["comparisons"]
        ),
        profiles,
        month,
    )


def _notify(
    renumbered: Mapping[str, str],
    premises: Premises,
    profiles: Mapping[str, Path],
    month: Month,
    say: Say,
) -> None:
    """Have a matricule replaced and the notices of the next July posted, and collect them."""
    data = ("--data", str(premises.folder), "--json")
    posted = json.loads(_client("renumber", renumbered["old"], renumbered["new"], *data))
    today = Received(system_clock()).day
    day = first_working_day(today.year + (today.month >= JULY), JULY).isoformat()
    posted += json.loads(_client("notices", "--day", day, *data))
    say(f"Posted {len(posted)} notices that nobody asked for, as if it were {day}")
    month.notified = {each["name"] for each in posted}
    _collect_until(lambda: month.notified <= {one.file.name for one in month.answers}, profiles, month)


def _collect_until(done: Callable[[], bool], profiles: Mapping[str, Path], month: Month) -> None:
    """Collect with every member's own client, through the door it knows, until all that is due has come."""
    doors = {sent.step.member: sent.step.door for sent in reversed(month.deposits)}
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        for member, profile in profiles.items():
            month.answers.extend(_collect(member, profile, doors[member], month))
        if done():
            return
        if time.monotonic() > until:
            raise DemoFailed("some answers did not come in time")


def _collect(member: str, profile: Path, door: str, month: Month) -> Iterator[Collected]:
    folder = profile.parent / "collected"
    after = str(month.cursors.get(member, 0))
    printed = json.loads(
        _client(
            "collect",
            "--profile",
            str(profile),
            "--out",
            str(folder),
            "--door",
            door,
            "--after",
            after,
            "--json",
        )
    )
    month.cursors[member] = printed["cursor"]
    for each in printed["answers"]:
        yield Collected(member, folder / each["file"], each["type"])


def _acknowledged(month: Month) -> Counter[str]:
    return Counter(answer.member for answer in month.of_kind(acktrt.CODE))


def _judge(story: Mapping[str, Any], month: Month) -> None:
    """Hold what came back against the story; every difference is a fault, named."""
    for answer in month.answers:
        answer.signature = seal_verdict(answer.file.read_bytes(), month.seals)
        if answer.signature != GOOD:
            month.faults.append(f"{answer.file.name}: signature {answer.signature}")
    acknowledgements: dict[tuple[str, str], tuple[Path, acktrt.Acknowledgement]] = {}
    for answer in month.of_kind(acktrt.CODE):
        document = acktrt.read(etree.parse(answer.file).getroot())
        answer.verdict = document.verdict.value
        acknowledgements[answer.member, _deposit_name(document)] = answer.file, document
    for sent in month.deposits:
        found = acknowledgements.get((sent.step.member, sent.batch.name))
        if found is None:
            month.faults.append(f"{sent.step.file}: never acknowledged")
            continue
        sent.acknowledgement, sent.outcome = found
        month.faults += _differences(sent.step, sent.outcome)
    month.faults += _repeated_receipts(month)
    month.faults += _statement_differences(story["statements"], month)
    month.faults += _notice_differences(story["notices"], month)


def _deposit_name(document: acktrt.Acknowledgement) -> str:
    return document.header.deposit.name if document.header.deposit else ""


def _differences(step: Step, outcome: acktrt.Acknowledgement) -> Iterator[str]:
    came = {
        "verdict": outcome.verdict.value,
        "accepted": outcome.accepted,
        "rejected": outcome.rejected,
        "held": outcome.held,
        "codes": sorted({anomaly.code for anomaly in outcome.anomalies}),
        "returns": sorted(names.parse(name).kind for name in outcome.returns),
    }
    for name, due in step.expect.items():
        if came[name] != (sorted(due) if isinstance(due, list) else due):
            yield f"{step.file}: {name} should be {due}, is {came[name]}"


def _repeated_receipts(month: Month) -> Iterator[str]:
    """The same bytes again give the same receipt, byte for byte."""
    first: dict[Path, bytes] = {}
    for sent in month.deposits:
        if sent.receipt is not None:
            receipt = sent.receipt.read_bytes()
            if first.setdefault(sent.batch, receipt) != receipt:
                yield f"{sent.step.file}: its repeat got another receipt"


def _notice_differences(due: Mapping[str, Sequence[str]], month: Month) -> Iterator[str]:
    """Which notices of the story each member got."""
    told = [answer for answer in month.of_kind(*NOTICES) if answer.file.name in month.notified]
    for member, kinds in due.items():
        mine = sorted(answer.kind for answer in told if answer.member == member)
        if mine != sorted(kinds):
            yield f"notices to {member} should be {kinds}, are {mine}"


def _statement_differences(due: Mapping[str, str], month: Month) -> Iterator[str]:
    """What each employer owes, and that statement and detail agree to the cent."""
    came = {one.employer: euro(one.contributions) for one in month.statements()}
    if came != due:
        yield f"statements should be {due}, are {came}"
    detail = {one.employer: euro(one.total) for one in month.calculations()}
    if detail != came:
        yield f"statements {came} and their detail {detail} differ"
