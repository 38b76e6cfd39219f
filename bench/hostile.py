"""Bad inputs from a seed: how many are tried, and what they do.

    make hostile ARGS="--inputs 1000000 --live 500 --seed 1"

Good signed batches and containers are changed at the level of bytes, tokens, trees, values and zip entries
(`bench.mutation`). Most inputs are examined in this process, by the very checks that a booth makes; a sample
goes through both doors of a whole gateway, up to its acknowledgement, with a good batch after every tenth.

A wrong accept is an input whose signature is not the forger's own over this very content, which is accepted
and yields another batch than the good ones it was made of. Connections are counted where all addresses in
the inputs point, and by the interpreter's audit events. CPU is of one input; memory is how much the peak
of the process grew while inputs were examined. Figures are of this machine and this run.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import platform
import random
import resource
import socket
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from lxml import etree

from adapters.booth.process import cannot_open
from adapters.booth.words import Words, batch_words
from adapters.cli.output import progress
from adapters.pki import Authority, KeyKind, Subject, new_key
from bench.mutation import Mutant, Mutation
from gateway import names, process, wire
from gateway.agreement import Agreement
from gateway.batch import Batch, Header
from gateway.client import https, sftp
from gateway.client.doors import Refused
from gateway.names import Extension
from gateway.outcome import NotYet, Rejected
from gateway.procedures import PROCEDURES, procedure
from gateway.returns import acktrt
from gateway.states import OPEN
from inbox.receive import Deposit
from signing import certificates
from signing.sign import Signer
from tests.house import EMPLOYER, INSURED, MEMBER, OTHER_EMPLOYER, House, entry, house, profile, wage

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.exec", "os.system")
OWN = "signed by the forger"

Examine = Callable[[bytes, Deposit, process.Desk], process.Examined]


@dataclass(slots=True)
class Tally:
    """What was counted."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    own: int = 0
    wrong: list[bytes] = field(default_factory=list)
    raised: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    worst_seconds: float = 0.0
    grown: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Good:
    """A good input: its bytes, the name it goes by, and the batch it holds."""

    content: bytes
    deposit: Deposit
    batch: Words


class Believing:
    """Believes every certificate: which ones are registered is what counts here."""

    def judge(
        self, _: x509.Certificate, __: Sequence[x509.Certificate], at: datetime, /
    ) -> certificates.Evidence:
        return certificates.Evidence(at, (), ())


def signer() -> Signer:
    """A key of its own, with a certificate."""
    first, last = AT - timedelta(days=1), AT + timedelta(days=100)
    key = new_key(KeyKind.P256)
    authority = Authority.create("authority", first, last)
    return Signer(key, authority.issue(Subject("member"), key.public_key(), first, last))


def desk_for(ours: Signer) -> process.Desk:
    """A desk at which one certificate is registered."""
    return process.Desk(
        environment="test",
        trust=Believing(),
        member_of=lambda certificate, _: MEMBER if certificate == ours.certificate else None,
        look=lambda *_: None,
        agreement_of=lambda *_: Agreement(frozenset(each.code for each in PROCEDURES)),
        decrypt=cannot_open,
    )


def documents() -> Iterator[tuple[str, etree._Element]]:
    """Good batches of several procedures, unsigned."""
    for code, records in (
        ("DECSAL", [wage()]),
        ("DECSAL", [wage(Reference=str(number)) for number in range(4)]),
        ("DECAFF", [entry()]),
    ):
        head = Header(code, "1.0", MEMBER, "CCSS", "test", AT, software="Programme 1.0")
        yield code, wire.write_batch(head, procedure(code).record, records)


def goods(ours: Signer, desk: process.Desk) -> list[Good]:
    """Good inputs, documents and containers."""
    found = []
    for code, root in documents():
        for extension, content in (
            (Extension.XML, ours.sign(root, AT)),
            (Extension.ASICE, ours.sign_container({f"{code}.xml": etree.tostring(root)}, AT)),
        ):
            name = names.FileName(code, names.stamp(AT), MEMBER, incoming=True, extension=extension)
            deposit = Deposit("", str(MEMBER), str(name), len(content), "", AT, "https")
            batch = process.examine(content, deposit, desk).batch
            found.append(Good(content, deposit, told(batch)))
    return found


def told(batch: Batch) -> Words:
    """What a batch says, without the lines on which it said it."""
    words = json.loads(json.dumps(batch_words(batch)))
    for record in (*words["records"], *words["malformed"]):
        record[1] = None
    for anomaly in words["anomalies"]:
        anomaly[4] = None
    return dict(words)


@contextmanager
def watched() -> Iterator[tuple[int, Callable[[], int]]]:
    """A port at which nobody should come, and how often somebody tried to go anywhere."""
    events: list[str] = []
    watching = [True]

    def hook(event: str, _: object) -> None:
        if watching[0] and event in WATCHED:
            events.append(event)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        sys.addaudithook(hook)

        def came() -> int:
            count = len(events)
            while True:
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    return count
                count += 1

        try:
            yield server.getsockname()[1], came
        finally:
            watching[0] = False  # a hook cannot be taken away


def tally(inputs: int, seed: int, examine: Examine = process.examine) -> Tally:
    """Try bad inputs in this process.

    Args:
        inputs: how many.
        seed: of all of them.
        examine: what is tried.
    """
    chance, ours = random.Random(seed), signer()
    desk = desk_for(ours)
    good = goods(ours, desk)
    result = Tally()
    began = time.monotonic()
    with watched() as (port, came), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile, when it writes a name twice for us
        mutation = Mutation(chance, port, lambda root: ours.sign(root, AT))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in progress(range(inputs), "trying", inputs):
            one = chance.choice(good)
            mutant = _made(mutation, one, good)
            if mutant is not None:
                _try(mutant, one, good, desk, result, examine)
        result.grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak)
        result.outside = came()
    result.seconds = time.monotonic() - began
    return result


def _made(mutation: Mutation, one: Good, good: Sequence[Good]) -> Mutant | None:
    try:
        return mutation.of(one.content, [each.content for each in good])
    except Exception:  # the forger's own tools refuse some of it
        return None


def _try(
    mutant: Mutant, one: Good, good: Sequence[Good], desk: process.Desk, result: Tally, examine: Examine
) -> None:
    result.tried[mutant.way] += 1
    began = time.thread_time()
    try:
        batch = examine(mutant.content, one.deposit, desk).batch
    except Rejected as refusal:
        result.refused[refusal.anomalies[0].code] += 1
    except NotYet:
        result.refused["not yet"] += 1
    except Exception as error:
        result.raised[f"{type(error).__name__}: {error}"[:200]] += 1
    else:
        # A splice may put together another good one, whole: what its member signed.
        if told(batch) in [each.batch for each in good]:
            result.unchanged += 1
        elif mutant.way == OWN:
            result.own += 1
        else:
            result.wrong.append(mutant.content)
    result.worst_seconds = max(result.worst_seconds, time.thread_time() - began)


# through the doors


@dataclass(slots=True)
class Live:
    """What was counted at the doors."""

    sent: int = 0
    good: int = 0
    wrong: int = 0
    other_codes: int = 0
    refused_by_door: int = 0
    faults: int = 0
    stuck: int = 0
    slowest_good: float = 0.0


def live(inputs: int, seed: int) -> Live:
    """Send bad inputs through both doors of a gateway, one by one, with good ones between them."""
    chance, result = random.Random(seed), Live()
    with tempfile.TemporaryDirectory() as folder, house(Path(folder), doors=True) as home:
        home.employer(EMPLOYER)
        home.employer(OTHER_EMPLOYER)
        home.affiliate(INSURED)
        sender = home.sender(MEMBER, [EMPLOYER])
        desk = desk_for(sender.signer)
        mutation = Mutation(chance, 9, lambda root: sender.signer.sign(root, home.clock()))
        with https.enter(profile(sender)) as first, sftp.enter(profile(sender)) as second:
            doors = itertools.cycle((first, second))
            sent: dict[str, tuple[str, ...]] = {}
            for number in progress(range(inputs), "sending", inputs):
                title, content, codes = _bad(home, sender.signer, desk, mutation)
                try:
                    next(doors).deposit(title, content)
                    sent[title] = codes
                except Refused:
                    result.refused_by_door += 1
                if number % 10 == 0:
                    result.good += 1
                    result.slowest_good = max(result.slowest_good, _good(home, sender.signer, next(doors)))
        _count(home, sent, result)
    return result


def _bad(
    home: House, ours: Signer, desk: process.Desk, mutation: Mutation
) -> tuple[str, bytes, tuple[str, ...]]:
    """A bad input that is refused when it is examined here, and with which codes."""
    while True:
        root = home.plain(_As(ours), "DECSAL", [wage(Reference=str(time.time_ns()))])  # type: ignore[arg-type]
        boxed = time.time_ns() % 4 == 0
        at = home.clock()
        extension = Extension.ASICE if boxed else Extension.XML
        good = ours.sign_container({"DECSAL.xml": etree.tostring(root)}, at) if boxed else ours.sign(root, at)
        title = home.name("DECSAL", MEMBER, extension)
        try:
            content = mutation.of(good, [good]).content
        except Exception:
            continue
        try:
            process.examine(content, Deposit("", str(MEMBER), title, len(content), "", at, "https"), desk)
        except Rejected as refusal:
            if content:
                return title, content, tuple(anomaly.code for anomaly in refusal.anomalies)


@dataclass(frozen=True, slots=True)
class _As:
    signer: Signer
    member = MEMBER


def _good(home: House, ours: Signer, door: https.HttpsDoor | sftp.SftpDoor) -> float:
    """Send a good batch; seconds until its acknowledgement lies there."""
    root = home.plain(_As(ours), "DECSAL", [wage(Reference=str(time.time_ns()))])  # type: ignore[arg-type]
    title, content = home.name("DECSAL", MEMBER), ours.sign(root, home.clock())
    began = time.monotonic()
    door.deposit(title, content)
    while not _answered(home, title):
        time.sleep(0.01)
    return time.monotonic() - began


def _answered(home: House, title: str) -> bool:
    from tests.flow.premises import rows  # noqa: PLC0415 -- pytest's half of the house

    states = [row["state"] for row in rows(home, "SELECT state FROM deposit WHERE name = :name", name=title)]
    return bool(states) and states[0] not in {state.value for state in OPEN}


def _count(home: House, sent: dict[str, tuple[str, ...]], result: Live) -> None:
    from tests.flow.premises import answers, rows  # noqa: PLC0415

    result.sent = len(sent)
    until = time.monotonic() + 60
    for title, codes in sent.items():
        while not _answered(home, title) and time.monotonic() < until:
            time.sleep(0.02)
        if not _answered(home, title):
            result.stuck += 1
            continue
        [row] = rows(home, "SELECT id FROM deposit WHERE name = :name", name=title)
        [content] = [each for kind, each in answers(home, row["id"]) if kind == acktrt.CODE]
        known = acktrt.read(etree.fromstring(content))
        result.wrong += known.verdict.value != "rejected"
        result.other_codes += tuple(anomaly.code for anomaly in known.anomalies) != codes
    result.faults = len(rows(home, "SELECT id FROM deposit WHERE fault <> ''"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=20_000, help="examined in this process")
    parser.add_argument("--live", type=int, default=200, help="sent through the doors")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"{given.inputs} bad inputs, {given.live} through the doors, seed {given.seed}")
    print(f"{platform.machine()}, Python {platform.python_version()}")
    found = tally(given.inputs, given.seed)
    print(report(found))
    if given.live:
        print(
            json.dumps({name: getattr(found_live, name) for name in Live.__slots__}, indent=2)
            if (found_live := live(given.live, given.seed))
            else ""
        )
    for content in found.wrong[:3]:
        sys.stdout.buffer.write(content + b"\n")


def report(found: Tally) -> str:
    """The figures, a line each."""
    out = io.StringIO()
    total = sum(found.tried.values())
    for name, value in (
        ("inputs tried", total),
        *((f"  {way}", number) for way, number in found.tried.most_common()),
        ("refused", sum(found.refused.values())),
        *((f"  {code}", number) for code, number in found.refused.most_common()),
        ("accepted, content unchanged", found.unchanged),
        ("accepted, the forger's own content", found.own),
        ("wrong accepts", len(found.wrong)),
        ("exceptions", sum(found.raised.values())),
        ("connections, processes", found.outside),
        ("worst CPU of one, ms", round(1000 * found.worst_seconds, 1)),
        ("growth of memory, MiB", round(found.grown / 2**20, 1)),
        ("inputs a second", round(total / found.seconds)),
    ):
        out.write(f"{name:40}{value:>12}\n")
    for error, number in found.raised.most_common(10):
        out.write(f"  {number} × {error}\n")
    return out.getvalue()


if __name__ == "__main__":
    main()
