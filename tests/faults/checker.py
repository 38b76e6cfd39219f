"""What clients were told, compared with what is there.

Every positive reply has exactly one deposit with that digest, one receipt, one outcome and one
acknowledgement that other people's program verifies; its effects are there once; money adds up; `secugate
verify` finds nothing. The store is at rest while it is looked at, and is not changed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import sqlalchemy as sa
from lxml import etree

from adapters.billing import BillingRun
from adapters.database import Database, tables
from adapters.encryption import Unopened
from adapters.premises import Premises, database_of, payee_of, seal_of, spool_of
from adapters.settings import Settings
from adapters.verification import inspect
from gateway.client.seals import GOOD, seal_verdict
from gateway.moments import Period, system_clock
from gateway.parameters import Branch
from gateway.returns import ackrec, acktrt, matass
from signing.certificates import load_seals
from tests.faults.book import Book, Key
from tests.faults.supply import Expected
from tests.sealed import opened
from tests.tools import tool

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)
affiliation = tables.table(tables.Affiliation)
journal = tables.table(tables.Journal)
person = tables.table(tables.Person)
posting = tables.table(tables.LedgerPosting)
statement = tables.table(tables.Statement)
wage = tables.table(tables.Wage)

PERIOD = Period.parse("2026-07")
SIGNED_PROPERTIES = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"


@dataclass(slots=True)
class Report:
    """What was found wrong, and how often what is counted.

    Attributes:
        promised: deposits that got a positive answer.
        lost: of those, how many are not there, or not as they were.
        doubled: deposits, outcomes, effects there more than once.
        fateless: deposits that have come to no end, or have no acknowledgement.
        findings: everything that is wrong, a sentence each.
    """

    promised: int = 0
    lost: int = 0
    doubled: int = 0
    fateless: int = 0
    findings: list[str] = field(default_factory=list)

    def lose(self, sentence: str) -> None:
        self.lost += 1
        self.findings.append(f"lost: {sentence}")

    def double(self, sentence: str) -> None:
        self.doubled += 1
        self.findings.append(f"doubled: {sentence}")

    def leave(self, sentence: str) -> None:
        self.fateless += 1
        self.findings.append(f"without fate: {sentence}")

    def find(self, sentence: str) -> None:
        self.findings.append(sentence)


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be compared.

    Attributes:
        settings: of the store.
        rows: of a query, documents in plain bytes.
        deposits: all of them, by number.
    """

    settings: Settings
    book: Book
    expected: Expected
    database: Database
    report: Report
    deposits: list[SimpleNamespace]

    def rows(self, query: sa.Select[tuple[object, ...]]) -> list[SimpleNamespace]:
        return _rows(self.database, query)


def check(data: Path, book: Book, expected: Expected) -> Report:
    """Compare a store with what clients were told.

    Args:
        data: the store, at rest.
        book: the clients' own.
        expected: what all batches that were sent ask for.
    """
    settings = Settings(data=data)
    report = Report(promised=len(book.receipts))
    with closing(database_of(settings)) as database:
        try:
            deposits = _rows(database, sa.select(deposit).order_by(deposit.c.number))
            case = Case(settings, book, expected, database, report, deposits)
            for each in CHECKS:
                each(case)
        except Unopened as changed:
            report.lose(f"a receipt or answer: {changed}")
    return report


def _rows(database: Database, query: sa.Select[tuple[object, ...]]) -> list[SimpleNamespace]:
    with database.read() as connection:
        found = connection.execute(query).mappings().all()
        return [SimpleNamespace(**opened(connection, row)) for row in found]


def nobody_was_refused(case: Case) -> None:
    for words in case.book.refused:
        case.report.find(f"a good batch was refused: {words}")


def every_positive_reply_has_one_deposit(case: Case) -> None:
    found = Counter((row.sender, row.digest) for row in case.deposits)
    for key in case.book.receipts:
        if not found[key]:
            case.report.lose(f"deposit {_words(key)}")
    for key, times in found.items():
        if times > 1:
            case.report.double(f"deposit {_words(key)} is there {times} times")
        if key not in case.expected.deposits:
            case.report.find(f"deposit {_words(key)} was never sent")


def every_repeat_got_the_same_receipt(case: Case) -> None:
    kept = {(row.sender, row.digest): row.receipt for row in case.deposits}
    for key, receipts in case.book.receipts.items():
        if key in kept and set(receipts) - {kept[key]}:
            case.report.lose(f"the receipt of {_words(key)}: another one is kept")


def every_receipt_names_its_deposit_and_its_place_in_the_journal(case: Case) -> None:
    seals = Premises(case.settings.data).seals
    entries = {
        row.sequence: (row.hash, row.subject, row.digest)
        for row in case.rows(
            sa.select(journal.c.sequence, journal.c.hash, journal.c.subject, journal.c.digest)
        )
    }
    for row in case.deposits:
        if seal_verdict(row.receipt, seals) != GOOD:
            case.report.find(f"the receipt of {row.id} has no seal of ours")
        stated = ackrec.read(etree.fromstring(row.receipt))
        if entries.get(stated.journal.sequence) != (stated.journal.hash, row.id, row.digest):
            case.report.find(f"the receipt of {row.id} names an entry of the journal that is another")


def every_deposit_has_one_outcome(case: Case) -> None:
    treated = Counter(
        row.subject for row in case.rows(sa.select(journal.c.subject).where(journal.c.event == "treated"))
    )
    for row in case.deposits:
        if (row.state, row.verdict, row.group) != ("done", "accepted", None):
            told = ", ".join(_anomalies(case, row.id))
            case.report.leave(f"{row.id} is {row.state}, {row.verdict}, {row.fault}: {told}")
        elif treated[row.id] > 1:
            case.report.double(f"{row.id} was treated {treated[row.id]} times")


def _anomalies(case: Case, identifier: str) -> Iterator[str]:
    """What a deposit was told, for the report."""
    query = sa.select(answer.c.content).where(answer.c.deposit == identifier, answer.c.kind == acktrt.CODE)
    for row in case.rows(query):
        for one in acktrt.read(etree.fromstring(row.content)).anomalies:
            yield f"{one.code} {one.path} {one.value}"


def every_deposit_has_one_receipt_and_one_acknowledgement(case: Case) -> None:
    for kind in (ackrec.CODE, acktrt.CODE):
        query = sa.select(answer.c.deposit).where(answer.c.kind == kind)
        posted = Counter(row.deposit for row in case.rows(query))
        for row in case.deposits:
            if not posted[row.id]:
                case.report.leave(f"{row.id} has no {kind}")
            elif posted[row.id] > 1:
                case.report.double(f"{row.id} has {posted[row.id]} {kind}")


def every_acknowledgement_verifies_with_xmlsec1(case: Case) -> None:
    query = sa.select(answer.c.id, answer.c.content).where(answer.c.kind == acktrt.CODE)
    with tempfile.TemporaryDirectory() as name:
        files = []
        for row in case.rows(query):
            file = Path(name, row.id)
            file.write_bytes(row.content)
            files.append(file)
        for seal in sorted(Premises(case.settings.data).seals.iterdir()):
            files = list(_not_accepted(seal, files))
        for file in files:
            case.report.find(f"xmlsec1 does not accept acknowledgement {file.name}")


def _not_accepted(seal: Path, files: Sequence[Path]) -> Iterator[Path]:
    """Those that other people's program does not verify with a certificate: all at once, then one by one."""
    if not files or _xmlsec1(seal, files):
        return
    if len(files) == 1:
        yield files[0]
        return
    middle = len(files) // 2
    yield from _not_accepted(seal, files[:middle])
    yield from _not_accepted(seal, files[middle:])


def _xmlsec1(seal: Path, files: Sequence[Path]) -> bool:
    command = [tool("xmlsec1"), "--verify", "--pubkey-cert-pem", str(seal), "--enabled-key-data", "key-name"]
    command += ["--id-attr:Id", SIGNED_PROPERTIES, *map(str, files)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def every_wage_and_affiliation_counts_once(case: Case) -> None:
    for table, name in ((wage, "wage"), (affiliation, "affiliation")):
        found = Counter(
            (row.employer, row.insured) for row in case.rows(sa.select(table.c.employer, table.c.insured))
        )
        for key, times in (found - case.expected.wages).items():
            case.report.double(f"{name} of {_words(key)}, {times} too many")
        for key in case.expected.wages - found:
            case.report.lose(f"{name} of {_words(key)}")


def everybody_has_one_number(case: Case) -> None:
    asked = case.expected.persons
    rows = case.rows(sa.select(person.c.surname, person.c.first_name, person.c.born, person.c.matricule))
    numbers = {(row.surname, row.first_name, row.born): row.matricule for row in rows}
    if not len(rows) == len(numbers) == len(set(numbers.values())):
        case.report.double(f"{len(rows)} numbers for {len(numbers)} people")
    for one in asked.keys() - numbers.keys():
        case.report.lose(f"the number of {one[0]}")
    told: Counter[tuple[str, str, str]] = Counter()
    for row in case.rows(sa.select(answer.c.content).where(answer.c.kind == matass.CODE)):
        for one in matass.read(etree.fromstring(row.content)).assigned:
            identity = (one.surname, one.first_name, one.birth_date.isoformat())
            told[identity] += 1
            if one.insured != numbers.get(identity):
                case.report.find(f"{one.surname} was told another number than the one kept")
    if told != asked:
        case.report.find("not everybody who asked for a number was told it once")


def who_collected_has_what_is_kept(case: Case) -> None:
    for member, names in case.book.answers.items():
        query = sa.select(answer.c.name, answer.c.content).where(answer.c.recipient == member)
        kept = {row.name: row.content for row in case.rows(query)}
        for name, contents in names.items():
            if set(contents) - {kept.get(name)}:
                case.report.lose(f"the answer {name}, as it was collected")


def strays(data: Path) -> set[str]:
    """Files that were kept and never entered, while a gateway runs or not."""
    settings = Settings(data=data)
    with closing(database_of(settings)) as database:
        kept = set(spool_of(settings, database).ids())
        with database.read() as connection:
            return kept.difference(connection.execute(sa.select(deposit.c.id)).scalars())


def the_spool_holds_the_deposits_and_nothing_else(case: Case) -> None:
    kept = Counter(spool_of(case.settings, case.database).ids())
    entered = Counter(row.id for row in case.deposits)
    for identifier in entered - kept:
        case.report.lose(f"the bytes of {identifier}")
    for identifier in kept - entered:
        case.report.find(f"a file of no deposit: {identifier}")


def verify_is_content(case: Case) -> None:
    spool = spool_of(case.settings, case.database)
    seals = load_seals(Premises(case.settings.data).seals)
    for finding in inspect(case.database, spool, seals).findings:
        case.report.find(f"verify: {finding}")


def money_adds_up(case: Case) -> None:
    """On a copy, the month is billed: every wage is charged once, and everything sums to the cent."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name, "billed")
        shutil.copytree(case.settings.data, copy)
        settings = Settings(data=copy)
        premises = Premises(copy)
        with closing(database_of(settings)) as database:
            run = BillingRun(database, seal_of(premises, settings), system_clock, payee_of(settings))
            list(run.run(PERIOD))
            _sums(case, database)
            for finding in inspect(
                database, spool_of(settings, database), load_seals(premises.seals)
            ).findings:
                case.report.find(f"verify, when billed: {finding}")


def _sums(case: Case, database: Database) -> None:
    charge = tables.CHARGE
    columns = (charge.c[f"{branch}_{part}"] for branch in Branch for part in ("employee", "employer"))
    shares = sum(sa.func.coalesce(column, 0) for column in columns)
    charged = Counter(
        (row.employer, row.insured) for row in _rows(database, sa.select(charge.c.employer, charge.c.insured))
    )
    if charged != case.expected.wages:
        case.report.find("not every wage is charged exactly once")
    with database.read() as connection:
        of_charges = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(shares), 0))).scalar()
        stated = sa.func.coalesce(sa.func.sum(statement.c.contributions), 0)
        of_statements = connection.execute(sa.select(stated)).scalar()
        of_postings = connection.execute(sa.select(sa.func.sum(posting.c.amount))).scalar() or 0
    if of_charges != of_statements or of_postings != 0:
        case.report.find(f"charges {of_charges}, statements {of_statements}, ledger {of_postings} cents")


def _words(key: Key) -> str:
    return f"{key[0]} {key[1][:16]}"


CHECKS: tuple[Callable[[Case], None], ...] = (
    nobody_was_refused,
    every_positive_reply_has_one_deposit,
    every_repeat_got_the_same_receipt,
    every_receipt_names_its_deposit_and_its_place_in_the_journal,
    every_deposit_has_one_outcome,
    every_deposit_has_one_receipt_and_one_acknowledgement,
    every_acknowledgement_verifies_with_xmlsec1,
    every_wage_and_affiliation_counts_once,
    everybody_has_one_number,
    who_collected_has_what_is_kept,
    the_spool_holds_the_deposits_and_nothing_else,
    verify_is_content,
    money_adds_up,
)
