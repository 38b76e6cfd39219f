"""Negative controls: gateways with one protection less, and stores that were tampered with, turn the
checker red."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.premises import Premises
from tests.faults.book import Book, Key, Reply
from tests.faults.checker import Report, check
from tests.faults.disk import Cut
from tests.faults.scene import scene
from tests.faults.supply import Expected, Supply
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, house

SEED = 1


def _after_a_power_cut(folder: Path, *weaknesses: str) -> Report:
    """Batches are accepted, then the power goes, and everything that was not synced."""
    with scene(folder, SEED, weaknesses=weaknesses) as played:
        played.send([*played.supply.some(doors=["https"]), *played.supply.some(doors=["sftp"])])
        played.clients.wait()
        played.disk.cut([played.station.process])
        played.station.gone()
        played.clients.end()
        played.disk.again(Cut.NOTHING, SEED)
        return check(played.station.data, Book.read(played.clients.book), played.supply.expected)


def test_what_was_acknowledged_is_there_after_a_power_cut(tmp_path: Path) -> None:
    """The very story of the weakened ones below."""
    report = _after_a_power_cut(tmp_path)
    assert report.promised > 1
    assert report.findings == []


@pytest.mark.parametrize("weakness", ["synchronous=NORMAL", "synchronous=OFF", "no folder sync"])
def test_without_its_syncs_a_power_cut_loses_what_was_acknowledged(tmp_path: Path, weakness: str) -> None:
    report = _after_a_power_cut(tmp_path, weakness)
    assert report.promised > 1
    assert report.lost


def _sent_at_both_doors(folder: Path, *, without_key: bool) -> tuple[Report, Book]:
    """The same bytes twice, to a gateway that does not look whether they came before."""
    with scene(folder, SEED, disk=False, weaknesses=["blind"], without_key=without_key) as played:
        [first, *_] = played.supply.some(doors=["https"])
        played.send([first])
        assert played.clients.accepted(0, 30)
        played.send([first])
        played.clients.accepted(0, 3)
        played.station.kill()
        played.clients.end()
        book = Book.read(played.clients.book)
        return check(played.station.data, book, played.supply.expected), book


def test_without_its_unique_key_the_inbox_takes_the_same_bytes_twice(tmp_path: Path) -> None:
    report, book = _sent_at_both_doors(tmp_path, without_key=True)
    assert book.replies[Reply.ACCEPTED] == 2
    assert report.doubled


def test_the_unique_key_alone_keeps_the_same_bytes_from_coming_twice(tmp_path: Path) -> None:
    report, book = _sent_at_both_doors(tmp_path, without_key=False)
    assert book.replies[Reply.ACCEPTED] == 1
    assert book.replies[Reply.LATER]
    assert not report.doubled


@dataclass(frozen=True, slots=True)
class Told:
    """A store at rest, and what its clients were told."""

    data: Path
    book: Book
    expected: Expected


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A few deposits of two members, treated."""
    receipts: dict[Key, list[bytes]] = {}
    answers: dict[str, dict[str, list[bytes]]] = {}
    with house(tmp_path_factory.mktemp("told")) as home:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            home.employer(employer)
        employers = {
            home.sender(MEMBER, [EMPLOYER]): EMPLOYER,
            home.sender(OTHER_MEMBER, [OTHER_EMPLOYER]): OTHER_EMPLOYER,
        }
        supply = Supply(home, employers, random.Random(SEED))
        for item in (item for _ in range(3) for item in supply.some()):
            receipt = home.receive(item.sender, item.name, item.content)
            home.wait(item.sender, receipt.deposit)
            receipts.setdefault(item.key, []).append(receipt.content)
        for sender in employers:
            member = str(sender.member)
            listed = home.gateway.outbox.collection.after(member, 0, 1000)
            answers[member] = {one.answer.name: [home.content(sender, one.answer.id)] for one in listed}
    book = Book(receipts=receipts, replies=Counter(), answers=answers)
    yield Told(home.settings.data, book, supply.expected)


def test_the_checker_finds_nothing_in_a_good_store(told: Told) -> None:
    assert check(told.data, told.book, told.expected).findings == []


def _do(statement: str) -> Callable[[Path], None]:
    def do(data: Path) -> None:
        with closing(sqlite3.connect(Premises(data).database)) as connection, connection:
            for (trigger,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            assert connection.execute(statement).rowcount == 1

    return do


def _bytes_removed(data: Path) -> None:
    next(file for file in (Premises(data).spool / "deposits").rglob("*") if file.is_file()).unlink()


FIRST = "(SELECT min(number) FROM deposit)"
TAMPERINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "deposit removed": (_do(f"DELETE FROM deposit WHERE number = {FIRST}"), "lost"),
    "bytes removed": (_bytes_removed, "lost"),
    "wage removed": (_do("DELETE FROM wage WHERE id = (SELECT min(id) FROM wage)"), "lost"),
    "affiliation doubled": (
        _do(
            "UPDATE affiliation SET (employer, insured, entry) ="
            " (SELECT employer, insured, '2026-07-02' FROM affiliation ORDER BY id LIMIT 1)"
            " WHERE id = (SELECT max(id) FROM affiliation)"
        ),
        "doubled",
    ),
    "receipt exchanged": (
        _do(
            f"UPDATE deposit SET receipt = (SELECT receipt FROM deposit WHERE number > {FIRST})"
            f" WHERE number = {FIRST}"
        ),
        "lost",
    ),
    "put back": (_do(f"UPDATE deposit SET state = 'received' WHERE number = {FIRST}"), "without fate"),
    "acknowledgement removed": (
        _do("DELETE FROM answer WHERE number = (SELECT max(number) FROM answer WHERE kind = 'ACKTRT')"),
        "without fate",
    ),
    "acknowledgement doubled": (_do("UPDATE answer SET kind = 'ACKTRT' WHERE number = 1"), "doubled"),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_the_checker_turns_red_on_a_store_that_was_tampered_with(
    told: Told, tmp_path: Path, kind: str
) -> None:
    tamper, found = TAMPERINGS[kind]
    data = tmp_path / "gateway"
    shutil.copytree(told.data, data)
    tamper(data)
    findings = check(data, told.book, told.expected).findings
    assert any(finding.startswith(found) for finding in findings), findings
