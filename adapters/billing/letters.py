"""What is written to insured people: signed files in a folder of the operator, who sends them.

An insured is no member, so nothing goes to a shelf. A file is written once, whole or not at all, and never
written over, since it may have been sent: a run that was cut off goes on where it stopped. Nobody else may
read the folder.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cryptography import x509

from adapters.billing.years import PersonYear, years
from adapters.database import Database
from adapters.database.journal import append
from adapters.pdf.annual import annual_page
from gateway import wire
from gateway.billing.annual import AnnualStatement, Open, annual_statement, due_by
from gateway.billing.over_ceiling import OverCeiling, over_ceiling, risen_in
from gateway.moments import Clock, Period, Received
from gateway.returns import annuel, depmax
from gateway.seal import Seal
from signing.parse import Unreadable, parse
from signing.profile import BadSignature
from signing.verify import ForeignSeal, verify_seal


class State(StrEnum):
    """What there is of a statement that is due."""

    WRITTEN = "written"
    """Just now."""
    PRESENT = "present"
    """It was written before; when checked: it is sealed and says what holds today."""
    ABSENT = "absent"
    CHANGED = "changed"
    """It is sealed, and something of its year has changed since it was written."""
    BROKEN = "broken"
    """It cannot be read, or does not bear our seal."""
    NOTHING = "nothing"
    """None is due: no affiliation and no charge, only a wage on hold or not charged."""


GOOD = frozenset({State.WRITTEN, State.PRESENT, State.NOTHING})


@dataclass(frozen=True, slots=True)
class Stated:
    """An insured who was looked at.

    Attributes:
        open: employer and month of all that is open.
    """

    insured: str
    state: State
    open: tuple[tuple[str, Open], ...]


class Annual:
    """The annual statements of a year."""

    def __init__(self, database: Database, seal: Seal, clock: Clock, folder: Path) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._folder = folder

    def write(self, year: int, insured: str | None = None, language: str | None = None) -> Iterator[Stated]:
        """Write every statement that is not in the folder yet.

        Args:
            insured: of this person alone, if given.
            language: of the page beside each, `fr`, `de` or `en`; none without it.
        """
        now = Received(self._clock())
        written = 0
        for one in self._everybody(year, insured):
            file, found = self.file(year, one.insured), annual_statement(one.workers, one.names, now)
            state = State.NOTHING if found is None else State.PRESENT
            if found is not None and not file.exists():
                header = wire.InsuredHeader(found.insured, self._seal.environment, now.at)
                document = annuel.write(annuel.AnnualStatementReturn(header, found))
                put(file, self._seal.sign(document, now.at))
                state, written = State.WRITTEN, written + 1
            if found is not None and language is not None:
                self._page(file, language, now)
            yield _stated(one, state, now)
        if written:
            with self._database.write() as connection:
                append(connection, at=now, event="stated", subject=f"{annuel.CODE} {year} {written}")

    def _page(self, file: Path, language: str, now: Received) -> None:
        """Set the page of a statement in the folder beside it, unless there is one."""
        page = file.with_suffix(".pdf")
        if not page.exists():
            xml = file.read_bytes()
            said = annuel.read(parse(xml)).statement
            test = self._seal.environment == "test"
            put(page, annual_page(said, xml, language, now.at, test=test))

    def check(
        self, year: int, seals: Collection[x509.Certificate], insured: str | None = None
    ) -> Iterator[Stated]:
        """Compare the folder with what is due today, insured by insured.

        Args:
            seals: the certificates with which we seal, and sealed before.
        """
        now = Received(self._clock())
        for one in self._everybody(year, insured):
            found = annual_statement(one.workers, one.names, now)
            file = self.file(year, one.insured)
            state = State.NOTHING if found is None else _kept(file, found, seals)
            yield _stated(one, state, now)

    def strangers(self, year: int, due: Collection[str]) -> list[str]:
        """Names of statements of the year in the folder that are of nobody to whom one is due."""
        files = self._folder.glob(f"*/{annuel.CODE}-{year}-*.xml")
        return sorted(file.name for file in files if file.stem.rpartition("-")[2] not in due)

    def file(self, year: int, insured: str) -> Path:
        """Where a statement is kept: by year of birth, so that no folder has too many."""
        return self._folder / insured[:4] / f"{annuel.CODE}-{year}-{insured}.xml"

    def _everybody(self, year: int, insured: str | None) -> Iterator[PersonYear]:
        with self._database.read() as connection:
            for one in years(connection, year):
                if insured in (None, one.insured):
                    yield one


def _stated(one: PersonYear, state: State, now: Received) -> Stated:
    due = due_by(now.day)
    left = tuple((worker.employer, each) for worker in one.workers for each in worker.open(due))
    return Stated(one.insured, state, left)


def _kept(file: Path, due: AnnualStatement, seals: Collection[x509.Certificate]) -> State:
    """How a statement in the folder compares with what is due today, but for the day of issue."""
    try:
        said = annuel.read(verify_seal(file.read_bytes(), seals).content).statement
    except FileNotFoundError:
        return State.ABSENT
    except (Unreadable, BadSignature, ForeignSeal, ValueError):
        return State.BROKEN
    return State.PRESENT if replace(said, issued=due.issued) == due else State.CHANGED


class CeilingNotices:
    """Notices to insured people who are above the ceiling with several employers together."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock

    def of_year(self, year: int) -> Iterator[OverCeiling]:
        """Everybody above the ceiling in a year, until its last month."""
        now = Received(self._clock())
        with self._database.read() as connection:
            for one in years(connection, year, several=True):
                found = over_ceiling(one.workers, one.names, Period(year, 12), now)
                if found is not None:
                    yield found

    def of_month(self, period: Period) -> Iterator[OverCeiling]:
        """Everybody for whom more is above the ceiling by a month: those to be told in its run."""
        now = Received(self._clock())
        with self._database.read() as connection:
            for one in years(connection, period.year, several=True):
                found = risen_in(one.workers, one.names, period, now)
                if found is not None:
                    yield found

    def write(self, folder: Path, found: OverCeiling) -> bool:
        """Write a notice into a folder; False when it was written before."""
        now = Received(self._clock())
        file = folder / f"{depmax.CODE}-{found.until}-{found.stage}-{found.insured}.xml"
        if file.exists():
            return False
        header = wire.InsuredHeader(found.insured, self._seal.environment, now.at)
        put(file, self._seal.sign(depmax.write(depmax.OverCeilingReturn(header, found)), now.at))
        return True

    def enter(self, told: int, of: str) -> None:
        """Enter in the journal how many notices were written, of a month or a year."""
        with self._database.write() as connection:
            append(
                connection, at=Received(self._clock()), event="stated", subject=f"{depmax.CODE} {of} {told}"
            )


def put(file: Path, content: bytes) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as new:
        new.write(content)
        new.flush()
        os.fsync(new.fileno())
    part.rename(file)
