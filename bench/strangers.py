"""What one member learns of another's things by asking for them: in bytes, and by the clock.

    make bench-strangers ARGS="--attempts 10000 --seed 1"

Each attempt asks for something of another member and for the like of it that nobody has, in an order drawn by
lot, through one operation of one door. Both answers have to be the same but for the date and for what was
asked. How long each took is kept: for every operation it is told in how many pairs the one that exists took
longer, and how far that is from chance (`z`, the sign test: beyond 4 chance is hardly an explanation any
more), and the median of the differences. Operations are the tables of tests/doors/test_isolation.py, and
every page of the portal that names a thing.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2

from adapters.billing import BillingRun, Issued
from adapters.database.webhooks import Webhooks
from adapters.premises import payee_of
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.returns import acktrt
from tests.doors.test_https import client
from tests.doors.test_isolation import (
    JULY,
    NOWHERE,
    OBJECTS,
    OPERATIONS,
    PLACES,
    Things,
    answer,
    raw,
    shown,
)
from tests.doors.test_uploads import begun
from tests.flow.premises import someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, Sender, house, wage
from tests.portal.people import OURS, person, reader

ROOT = Path(__file__).parent.parent
STRANGERS = 8
PROGRESS = 1000
SUSPECT = 4.0
"""A `z` beyond this is named: by chance alone one operation in 16,000 shows it."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What the owner has at the doors and at the portal; or the like of it that nobody has."""

    things: Things
    draft: str
    file: str
    person: str
    salret: str


PAGES: Mapping[str, Callable[[Owned], tuple[str, str]]] = {
    "deposit": lambda o: ("GET", f"/portal/deposits/{o.things.deposit}"),
    "its answer": lambda o: ("GET", f"/portal/deposits/{o.things.deposit}/answers/{o.things.answer}"),
    "its fix pack": lambda o: ("GET", f"/portal/deposits/{o.things.deposit}/fix/{o.salret}"),
    "its correction": lambda o: ("POST", f"/portal/deposits/{o.things.deposit}/correct"),
    "checked file": lambda o: ("GET", f"/portal/send/{o.file}"),
    "its bytes": lambda o: ("GET", f"/portal/send/{o.file}/file"),
    "its sending": lambda o: ("POST", f"/portal/send/{o.file}"),
    "draft": lambda o: ("GET", f"/portal/drafts/{o.draft}"),
    "its writing": lambda o: ("POST", f"/portal/drafts/{o.draft}"),
    "answer": lambda o: ("GET", f"/portal/returns/{o.things.answer}"),
    "invoice": lambda o: ("GET", f"/portal/invoices/{o.things.statement}"),
    "its UBL": lambda o: ("GET", f"/portal/invoices/{o.things.statement}/ubl"),
    "client": lambda o: ("GET", f"/portal/clients/{o.things.employer}"),
    "release": lambda o: ("POST", f"/portal/releases/{o.things.deposit}"),
    "evidence": lambda _: ("POST", "/portal/evidence/bundle"),
    "person": lambda o: ("POST", f"/portal/access/people/{o.person}"),
}

Ask = Callable[[Owned], object]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attempts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="operations whose name holds this, to look closer")
    given = parser.parse_args()
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
    print(f"commit {commit}, seed {given.seed}, {given.attempts} attempts, each beside one at nothing")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_until_the_end:
        home = open_until_the_end.enter_context(house(Path(folder), doors=True))
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            home.employer(employer)
        owner = home.sender(MEMBER, [EMPLOYER])
        theirs, nowhere = _owned(home, owner), _nothing()
        asks = [
            {
                name: ask
                for name, ask in open_until_the_end.enter_context(_Stranger(home, number))
                if given.only in name
            }
            for number in range(STRANGERS)
        ]
        _control(home, owner, theirs, nowhere)
        print(f"{len(asks[0])} operations, {STRANGERS} strangers")
        _try(asks, theirs, nowhere, given.attempts, random.Random(given.seed))


def _owned(home: House, sender: Sender) -> Owned:
    """A member with one of everything."""
    insured = someone()
    home.affiliate(insured)
    good = wage(insured, Period=str(JULY))
    receipt = home.receive(
        sender, *home.signed(sender, "DECSAL", [good, wage(insured, Period="2024-06", BaseWage="x")])
    )
    assert home.outcome(sender, receipt.deposit).verdict == "partial"
    gateway = home.gateway
    run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings))
    (issued,) = (one for one in run.run(JULY) if isinstance(one, Issued))
    listed = [
        one.answer
        for one in gateway.outbox.collection.after(str(MEMBER), 0, 1000)
        if one.answer.deposit == receipt.deposit
    ]
    found = next(one for one in listed if one.kind == acktrt.CODE)
    salret = next(one.id for one in listed if one.kind == "SALRET")
    with client(home, sender) as http:
        _, upload = begun(http, b"half of it is with us")
    now = Received(home.clock())
    told = Webhooks(gateway.database).add(sender.member, "https://w.invalid/in", now).id
    mine = found.id, found.name, found.digest, issued.number, EMPLOYER, upload, told
    things = Things(receipt.deposit, *mine)
    owner = person(home, "Owner", MEMBER)
    with reader(home, owner) as mine:
        began = mine.post(f"/portal/deposits/{receipt.deposit}/correct", answer=salret)
        file = mine.drop(home.signed(sender, "DECSAL", [wage(insured, Period="2024-05")]))
    ids = [one.headers["location"].rpartition("/")[2] for one in (began, file)]
    return Owned(things, ids[0], ids[1], owner.id, salret)


def _nothing() -> Owned:
    rest = (uuid.UUID(int=number, version=4).hex for number in range(1, 5))
    return Owned(NOWHERE, next(rest), next(rest), next(rest), str(uuid.UUID(int=9, version=4)))


class _Stranger(ExitStack):
    """Somebody of another member, with everything that they can ask, by door and operation."""

    def __init__(self, home: House, number: int) -> None:
        super().__init__()
        member = MemberId(OTHER_EMPLOYER, f"{number + 1:06}")
        self._asks = dict(self._made(home, home.sender(member, [OTHER_EMPLOYER]), member))

    def __iter__(self) -> Iterator[tuple[str, Ask]]:
        return iter(self._asks.items())

    def _made(self, home: House, sender: Sender, member: MemberId) -> Iterator[tuple[str, Ask]]:
        http = self.enter_context(client(home, sender))
        for (method, path), each in OBJECTS.items():
            for place, ask in enumerate(each):
                name = f"https {method} {path}" + (f" ({place + 1})" if place else "")
                yield name, lambda o, m=method, a=ask: _told(lambda: answer(http, m, a, o.things))  # type: ignore[misc]
        session = self.enter_context(raw(home, sender))
        for word, operation in OPERATIONS.items():
            for place_name, place in PLACES.items():  # type: ignore[assignment]
                yield (
                    f"sftp {word}, {place_name}",
                    lambda o, run=operation, at=place: run(session, at(o.things)),  # type: ignore[misc]
                )
        visitor = self.enter_context(reader(home, person(home, f"Stranger {member}", member)))
        token = visitor.token()
        for word, page in PAGES.items():
            yield f"portal {word}", lambda o, p=page: _page(visitor.client, token, *p(o), o)  # type: ignore[misc]


def _page(http: httpx2.Client, token: str, method: str, address: str, owned: Owned) -> object:
    fields = {
        "form_token": token,
        "answer": "release" if "releases" in address else owned.salret,
        "deposit": owned.things.deposit,
        "action": "end" if "people" in address else "save",
    }
    status, headers, content = _told(
        lambda: http.request(method, address, data=fields if method == "POST" else None, headers=OURS)
    )
    return status, headers, content.replace(address.encode(), b"")


def _told(ask: Callable[[], httpx2.Response]) -> tuple[int, object, bytes]:
    """An answer without its date; when we ask too often, the next one."""
    while True:
        found = ask()
        if found.status_code != 429:
            status, headers, content = shown(found)
            return int(str(status)), headers, bytes(content)  # type: ignore[call-overload]
        time.sleep(float(found.headers["retry-after"]))


def _control(home: House, owner: Sender, theirs: Owned, nowhere: Owned) -> None:
    """The comparison sees a difference where there is one: the owner's own answers are others."""
    with client(home, owner) as http:
        ask = OBJECTS["GET", "/v1/deposits/{identifier}"][0]
        mine, none = (shown(answer(http, "GET", ask, one.things)) for one in (theirs, nowhere))
    print(f"control, the owner asks: {'told apart' if mine != none else 'NOT TOLD APART'}")


def _try(
    asks: list[dict[str, Ask]], theirs: Owned, nowhere: Owned, attempts: int, draw: random.Random
) -> None:
    """Attempts, all operations in turn in a new order each time."""
    differences: dict[str, list[float]] = defaultdict(list)
    learned: dict[str, int] = defaultdict(int)
    order: list[str] = []
    begun = time.monotonic()
    for number in range(1, attempts + 1):
        if not order:
            order = sorted(asks[0])
            draw.shuffle(order)
        name, who = order.pop(), draw.choice(asks)
        pair = [theirs, nowhere]
        if draw.random() < 0.5:
            pair.reverse()
        told: dict[int, object] = {}
        took: dict[int, float] = {}
        for one in pair:
            before = time.perf_counter()
            told[id(one)] = who[name](one)
            took[id(one)] = time.perf_counter() - before
        learned[name] += told[id(theirs)] != told[id(nowhere)]
        differences[name].append(took[id(theirs)] - took[id(nowhere)])
        if number % PROGRESS == 0:
            print(f"  {number} tried, {sum(learned.values())} told apart", flush=True)
    print(f"{attempts} attempts in {time.monotonic() - begun:.0f} s, told apart: {sum(learned.values())}")
    for name in sorted(learned):
        if learned[name]:
            print(f"  TOLD APART {learned[name]} times: {name}")
    _tell_times(differences)


def _tell_times(differences: Mapping[str, list[float]]) -> None:
    """Whether the clock told anything."""
    print(f"{'operation':<60} {'pairs':>6} {'longer':>7} {'z':>6} {'median':>10}")
    found = []
    for name, each in differences.items():
        longer = sum(one > 0 for one in each)
        z = (2 * longer - len(each)) / len(each) ** 0.5
        found.append((abs(z), name, len(each), longer, z, statistics.median(each)))
    for _, name, count, longer, z, median in sorted(found, reverse=True)[:20]:
        print(f"{name:<60} {count:>6} {longer:>7} {z:>6.1f} {median * 1e6:>7.0f} µs")
    every = [one for each in differences.values() for one in each]
    longer = sum(one > 0 for one in every)
    z = (2 * longer - len(every)) / len(every) ** 0.5
    print(f"{'all':<60} {len(every):>6} {longer:>7} {z:>6.1f} {statistics.median(every) * 1e6:>7.0f} µs")
    suspects = [name for z, name, *_ in found if z > SUSPECT]
    print(f"operations whose time may tell (z beyond {SUSPECT:.0f}): {', '.join(suspects) or 'none'}")


if __name__ == "__main__":
    main()
