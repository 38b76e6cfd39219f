"""A gateway killed again and again under load: what clients were told is compared with what is there.

SIGKILL ends the process between any two instructions. What it cannot show is a disk that loses what
was not synced; the order of syncs has tests of its own.

`KILL_ROUNDS` makes a run longer, `KILL_SEED` repeats one: the seed of a failed run is in its report.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from lxml import etree

from adapters.database import Database, tables
from adapters.database.deposits import DIED, TRIES, replay
from adapters.premises import Premises
from adapters.spool import Spool
from gateway.client.https import HttpsDoor
from gateway.client.seals import GOOD, seal_verdict
from gateway.moments import Received, system_clock
from gateway.returns import ackrec, acktrt, matass
from tests.durability.load import Book, Item, Supply, clients, collect
from tests.durability.running import PATIENCE_SECONDS, Running, launch, running, verify
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, Sender, house
from tests.sealed import opened

ROUNDS = int(os.environ.get("KILL_ROUNDS", "5"))
SEED = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(2**32)))
MOST_ANSWERS = 50
LONGEST_PAUSE = 0.4
BIG_BATCHES = 2

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)
journal = tables.table(tables.Journal)
affiliation = tables.table(tables.Affiliation)
person = tables.table(tables.Person)
wage = tables.table(tables.Wage)


@dataclass(slots=True)
class Aftermath:
    """A gateway that was killed many times, now at rest, and what its clients were told on the way.

    Attributes:
        again: the receipt of each batch, given once more at the end.
    """

    data: Path
    senders: list[Sender]
    supply: Supply
    book: Book
    again: dict[Item, bytes]
    kills: int
    seconds: float
    log: str

    def rows(self, query: sa.Select[tuple[object, ...]]) -> list[SimpleNamespace]:
        """What the database says now; documents in plain bytes."""
        database = Database(Premises(self.data).database)
        try:
            with database.read() as connection:
                found = connection.execute(query).mappings().all()
                return [SimpleNamespace(**opened(connection, row)) for row in found]
        finally:
            database.close()


def test_killed_under_load_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    say(f"KILL_SEED={SEED} KILL_ROUNDS={ROUNDS}")
    aftermath = _play(tmp_path, random.Random(SEED))
    book = aftermath.book
    say(
        f"{aftermath.kills} kills, {len(aftermath.supply.items)} deposits, {len(book.told)} positive answers,"
        f" {book.unanswered} connections lost, {aftermath.seconds:.0f} s"
    )
    assert aftermath.kills >= ROUNDS
    assert book.told, "no client was ever answered: the load was none"
    for check in CHECKS:
        check(aftermath)


def say(sentence: str) -> None:
    """For the report of a failed run, or of any run with `-s`."""
    sys.stdout.write(sentence + "\n")


def _play(folder: Path, rng: random.Random) -> Aftermath:
    """The whole story: load and kills, then rest."""
    with house(folder) as home:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            home.employer(employer)
        senders = {
            home.sender(MEMBER, [EMPLOYER]): EMPLOYER,
            home.sender(OTHER_MEMBER, [OTHER_EMPLOYER]): OTHER_EMPLOYER,
        }
    data = home.settings.data
    book, supply = Book(), Supply(home, senders, rng, BIG_BATCHES)
    began = time.monotonic()
    kills = sum(_round(data, supply, book, list(senders), rng) for _ in range(ROUNDS))
    again = _rest(data, supply, book, list(senders))
    log = (folder / "gateway.log").read_text()
    return Aftermath(data, list(senders), supply, book, again, kills, time.monotonic() - began, log)


def _round(data: Path, supply: Supply, book: Book, senders: list[Sender], rng: random.Random) -> int:
    """Start, load, kill; now and then the next start is killed as well. How many kills it was."""
    began = time.monotonic()
    with running(data) as gateway:
        starting = time.monotonic() - began
        with clients(gateway, supply, book, senders):
            book.wait_for(rng.randint(0, MOST_ANSWERS), PATIENCE_SECONDS)
            with pytest.raises(subprocess.TimeoutExpired):
                gateway.process.wait(rng.uniform(0, LONGEST_PAUSE))
            gateway.kill()
    if rng.random() < 0.85:
        return 1
    process = launch(data, data.parent / "gateway.log")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(rng.uniform(0.5, 1) * starting)
    process.kill()
    process.communicate()
    return 2


def _rest(data: Path, supply: Supply, book: Book, senders: list[Sender]) -> dict[Item, bytes]:
    """Start once more, send what got no answer, wait until all is treated; every batch once more."""
    supply.close()
    before = book.unanswered
    with running(data) as gateway:
        with clients(gateway, supply, book, senders):
            pass
        assert book.unanswered == before, "a client lost its connection though nobody killed anything"
        _wait_until_treated(data, gateway)
        for sender in senders:
            collect(gateway.profile(sender), sender, book)
        again = _send_again(gateway, supply.items, senders)
        assert gateway.stop() == 0
    return again


def _wait_until_treated(data: Path, gateway: Running) -> None:
    """What was under way at three kills is parked, as if it were the cause; an operator has it treated."""
    open_ones = sa.select(deposit.c.id, deposit.c.state, deposit.c.fault).where(
        deposit.c.state.in_(["received", "waiting", "parked"])
    )
    database = Database(Premises(data).database)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with database.read() as connection:
            left = connection.execute(open_ones).all()
        if not left:
            break
        assert time.monotonic() < until, f"still not treated:\n{gateway.log.read_text()[-5000:]}"
        for row in left:
            if (row.state, row.fault) == ("parked", DIED):
                with database.write() as connection:
                    assert replay(connection, row.id, Received(system_clock()))
        with pytest.raises(subprocess.TimeoutExpired):
            gateway.process.wait(0.05)
    database.close()


def _send_again(gateway: Running, items: list[Item], senders: list[Sender]) -> dict[Item, bytes]:
    def send(sender: Sender) -> dict[Item, bytes]:
        with closing(HttpsDoor(gateway.profile(sender))) as door:
            return {item: door.deposit(item.name, item.content) for item in items if item.sender == sender}

    with ThreadPoolExecutor() as threads:
        first, *others = threads.map(send, senders)
    for more in others:
        first |= more
    return first


def nothing_was_refused_and_nothing_failed(aftermath: Aftermath) -> None:
    assert aftermath.book.refused == []
    faults = [
        line
        for line in aftermath.log.splitlines()
        if ('"level": "error"' in line and DIED not in line) or "Traceback" in line
    ]
    assert faults == []


def what_was_acknowledged_is_there_and_its_receipt_is_given_again(aftermath: Aftermath) -> None:
    kept = {
        (row.sender, row.digest): row.receipt
        for row in aftermath.rows(sa.select(deposit.c.sender, deposit.c.digest, deposit.c.receipt))
    }
    assert kept.keys() == {_key(item) for item in aftermath.supply.items}
    for told in aftermath.book.told:
        assert told.receipt in (None, kept[_key(told.item)])
    assert {_key(item): receipt for item, receipt in aftermath.again.items()} == kept


def every_receipt_is_sealed_and_names_its_place_in_the_journal(aftermath: Aftermath) -> None:
    seals = Premises(aftermath.data).seals
    hashes = {
        row.sequence: (row.hash, row.subject, row.digest)
        for row in aftermath.rows(
            sa.select(journal.c.sequence, journal.c.hash, journal.c.subject, journal.c.digest)
        )
    }
    for item, content in aftermath.again.items():
        assert seal_verdict(content, seals) == GOOD
        receipt = ackrec.read(etree.fromstring(content))
        stated = receipt.header.deposit
        assert stated is not None
        assert (stated.name, stated.size, stated.digest) == (item.name, len(item.content), _key(item)[1])
        assert hashes[receipt.journal.sequence] == (receipt.journal.hash, stated.id, stated.digest)


def every_deposit_came_to_one_end(aftermath: Aftermath) -> None:
    """Those that were being treated when the gateway was killed have a try for it."""
    ends = aftermath.rows(
        sa.select(deposit.c.id, deposit.c.state, deposit.c.verdict, deposit.c.tries, deposit.c.group)
    )
    assert {(row.state, row.verdict, row.group) for row in ends} == {("done", "accepted", None)}
    assert {row.tries for row in ends} <= set(range(TRIES))
    for kind in ("ACKREC", "ACKTRT"):
        answered = Counter(
            row.deposit for row in aftermath.rows(sa.select(answer.c.deposit).where(answer.c.kind == kind))
        )
        assert answered == dict.fromkeys((row.id for row in ends), 1)


def an_acknowledgement_names_the_entry_of_its_treatment(aftermath: Aftermath) -> None:
    treated = {
        row.subject: (row.sequence, row.hash)
        for row in aftermath.rows(
            sa.select(journal.c.subject, journal.c.sequence, journal.c.hash).where(
                journal.c.event == "treated"
            )
        )
    }
    rows = aftermath.rows(sa.select(answer.c.deposit, answer.c.content).where(answer.c.kind == acktrt.CODE))
    assert len(rows) == len(treated) == len(aftermath.supply.items)
    for row in rows:
        entry = acktrt.read(etree.fromstring(row.content)).journal
        assert (entry.sequence, entry.hash) == treated[row.deposit]


def every_wage_counts_once(aftermath: Aftermath) -> None:
    rows = aftermath.rows(sa.select(wage.c.employer, wage.c.insured, wage.c.state))
    assert Counter((row.employer, row.insured) for row in rows) == aftermath.supply.expected.wages
    assert {row.state for row in rows} == {"current"}
    assert max(aftermath.supply.expected.wages.values()) == 1


def every_affiliation_stands_once(aftermath: Aftermath) -> None:
    rows = aftermath.rows(sa.select(affiliation.c.employer, affiliation.c.insured))
    assert Counter((row.employer, row.insured) for row in rows) == aftermath.supply.expected.wages


def everybody_has_one_number_and_all_who_asked_were_told_the_same(aftermath: Aftermath) -> None:
    asked = aftermath.supply.expected.persons
    rows = aftermath.rows(sa.select(person.c.surname, person.c.first_name, person.c.born, person.c.matricule))
    numbers = {(row.surname, row.first_name, row.born): row.matricule for row in rows}
    assert len(rows) == len(numbers) == len(set(numbers.values()))
    assert numbers.keys() == asked.keys()
    told: Counter[tuple[str, str, str]] = Counter()
    new: Counter[tuple[str, str, str]] = Counter()
    for row in aftermath.rows(sa.select(answer.c.content).where(answer.c.kind == matass.CODE)):
        for one in matass.read(etree.fromstring(row.content)).assigned:
            identity = (one.surname, one.first_name, one.birth_date.isoformat())
            assert one.insured == numbers[identity]
            told[identity] += 1
            new[identity] += not one.existing
    assert told == asked
    assert new == dict.fromkeys(asked, 1)


def the_spool_holds_the_deposits_and_nothing_else(aftermath: Aftermath) -> None:
    premises = Premises(aftermath.data)
    spool = Spool(premises.spool, 1, Database(premises.database).file_keys)
    kept = {row.id: row.digest for row in aftermath.rows(sa.select(deposit.c.id, deposit.c.digest))}
    assert sorted(spool.ids()) == sorted(kept)
    assert list(spool.incoming.iterdir()) == []
    contents = {_key(item)[1]: item.content for item in aftermath.supply.items}
    assert all(spool.read(identifier) == contents[digest] for identifier, digest in kept.items())


def who_followed_the_cursor_has_every_answer_as_it_is_kept(aftermath: Aftermath) -> None:
    for sender in aftermath.senders:
        mine = answer.c.recipient == str(sender.member)
        kept = {
            row.name: row.content
            for row in aftermath.rows(sa.select(answer.c.name, answer.c.content).where(mine))
        }
        assert aftermath.book.collected[sender] == kept


def the_engine_has_nothing_left_to_do(aftermath: Aftermath) -> None:
    database = Database(Premises(aftermath.data).database)
    with database.read() as connection:
        states = connection.execute(sa.text("SELECT status, count(*) FROM workflow_status GROUP BY status"))
        assert [row.status for row in states] == ["SUCCESS"]
    database.close()


def the_journal_verifies(aftermath: Aftermath) -> None:
    done = verify(aftermath.data)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["findings"] == []


def _key(item: Item) -> tuple[str, str]:
    return str(item.sender.member), hashlib.sha256(item.content).hexdigest()


CHECKS = (
    nothing_was_refused_and_nothing_failed,
    what_was_acknowledged_is_there_and_its_receipt_is_given_again,
    every_receipt_is_sealed_and_names_its_place_in_the_journal,
    every_deposit_came_to_one_end,
    an_acknowledgement_names_the_entry_of_its_treatment,
    every_wage_counts_once,
    every_affiliation_stands_once,
    everybody_has_one_number_and_all_who_asked_were_told_the_same,
    the_spool_holds_the_deposits_and_nothing_else,
    who_followed_the_cursor_has_every_answer_as_it_is_kept,
    the_engine_has_nothing_left_to_do,
    the_journal_verifies,
)
