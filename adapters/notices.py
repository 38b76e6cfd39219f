"""Posting notices: each in the transaction that remembers it, so that nobody is told twice.

What is due on a day is looked up without a lock; a few pieces of work are then one transaction, in which each
looks again, writes, seals and posts, and fails by itself. A run that was cut off or repeated goes on where it
stopped: the table `notice` keeps who was told what. For missing wages only what was entered since the last
complete run is looked through (the table `bookmark`).
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import sqlalchemy as sa
import structlog
from lxml import etree

from adapters.answering import give
from adapters.database import Database, dialects, tables
from adapters.database.circumstances import outages
from adapters.database.members import agreement_of, keys_of
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.wages import SqlWages
from adapters.faults import place_of
from adapters.keys import Expiring, expiring
from gateway.batch import MemberId
from gateway.calendar import is_working_day
from gateway.deadlines import Outage
from gateway.moments import LUXEMBOURG, Clock, Period, Received
from gateway.notices import calend as announcing
from gateway.notices import chapro as counting
from gateway.notices import lisper as listing
from gateway.notices import salman as awaiting
from gateway.notices.salman import Case, Declared
from gateway.registers import Registers
from gateway.returns import avicle, calend, chapro, lisper, salman
from gateway.returns.calend import Deadline, Interruption
from gateway.seal import Seal

log = structlog.get_logger()

affiliation = tables.table(tables.Affiliation)
bookmark = tables.table(tables.Bookmark)
deposit = tables.table(tables.Deposit)
enrolled = tables.table(tables.Member)
mandate = tables.table(tables.Mandate)
notice = tables.table(tables.Notice)
wage = tables.table(tables.Wage)

SLICE_SECONDS = 1.0
"""How long a sweep works at a time where nobody says otherwise."""
AT_ONCE = 16
"""Pieces of work in one transaction of a sweep."""

_STANDS = sa.text(f"wage.{tables.WAGE_STANDS}")
_REMEMBER = sa.insert(notice)
_TOLD = sa.select(notice.c.insured).where(
    notice.c.kind == sa.bindparam("of_kind"),
    notice.c.employer == sa.bindparam("about"),
    notice.c.occasion == sa.bindparam("on"),
)
_TOLD_MEMBER = _TOLD.where(notice.c.member == sa.bindparam("to"))
_DECLARED_MONTHS = (
    sa.select(wage.c.period)
    .where(
        wage.c.employer == sa.bindparam("of"),
        wage.c.period >= sa.bindparam("first"),
        wage.c.period <= sa.bindparam("last"),
        _STANDS,
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice as it was posted: its code, the employers it is about, to whom, and its file name."""

    kind: str
    employers: tuple[str, ...]
    member: str
    name: str


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What all members are told alike: of a month, or of an outage.

    Attributes:
        occasion: what gives rise to it, so that each is told it once.
        about: the month or the outage.
        deadlines: what ends then, or was moved.
    """

    occasion: str
    about: Period | Interruption
    deadlines: tuple[Deadline, ...]


Work = Callable[[sa.Connection], list[Posted]]
"""A piece of work, done in the transaction given; what it posted."""


@dataclass(slots=True)
class Round:
    """What there is to do on a day.

    Attributes:
        work: the pieces left, each of which may fail by itself.
        looked: for each register looked through, the id of its last row; kept once all is done.
        failed: whether a piece could not be done.
    """

    day: date
    work: deque[Work]
    looked: Mapping[str, int]
    failed: bool = False


class Notices:
    """Finds what has to be told without being asked for, and posts it."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._round: Round | None = None

    def run(self, day: date) -> Iterator[Posted]:
        """Post all that is due on a day."""
        due = self._due(day)
        for work in due.work:
            with self._database.write() as connection:
                posted = work(connection)
            yield from posted
        self._keep(due.looked)

    def tell_outages(self) -> Iterator[Posted]:
        """Tell the outages that were declared, to each member once."""
        with self._database.read() as connection:
            pieces = list(self._outages(connection))
        for work in pieces:
            with self._database.write() as connection:
                posted = work(connection)
            yield from posted

    def sweep(self, day: date, seconds: float = SLICE_SECONDS) -> bool:
        """Post what is due on a day, for a short while; False when some is left or could not be done."""
        if self._round is None or self._round.day != day:
            self._round = self._due(day)
        due, until = self._round, time.monotonic() + seconds
        while due.work:
            if time.monotonic() > until:
                return False
            some = [due.work.popleft() for _ in range(min(AT_ONCE, len(due.work)))]
            try:
                with self._database.write() as connection:
                    for work in some:
                        due.failed |= not _succeeds(connection, work)
            except Exception as error:
                due.failed = True
                log.error("notice.failed", reason=place_of(error))
        self._round = None
        if not due.failed:
            self._keep(due.looked)
        return not due.failed

    def _due(self, day: date) -> Round:
        with self._database.read() as connection:
            cases, looked = _cases(connection, day)
            work: deque[Work] = deque(
                partial(self._tell_missing, member=member, cases=mine, day=day)
                for member, mine in self._by_recipient(connection, cases, day).items()
            )
            period = listing.period_due(day)
            if period is not None:
                untold = _untold(connection, lisper.CODE, str(period), period.first, period.last)
                work.extend(partial(self._list_staff, employer=one, period=period) for one in untold)
            turn = counting.turn_due(day)
            if turn is not None:
                counted = counting.reference_day(turn.year)
                untold = _untold(connection, chapro.CODE, _occasion(turn), counted, counted)
                work.extend(partial(self._count, employer=one, turn=turn) for one in untold)
            month = Period(day.year, day.month)
            if members := _unknowing(connection, str(month)):
                ends = announcing.of_month(month, outages(connection))
                told = Bulletin(str(month), month, ends)
                work.extend(partial(self._publish, member=one, told=told) for one in members)
            work.extend(self._outages(connection))
            work.extend(self._expiring(connection, day))
        return Round(day, work, looked)

    def _expiring(self, connection: sa.Connection, day: date) -> Iterator[Work]:
        """Each certificate that ends soon, to its member, once for each mark it has reached."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=LUXEMBOURG)
        for one in expiring(connection, Received(noon)):
            occasion = f"{one.mark} {one.key}"
            if not _known(connection, avicle.CODE, "", occasion, one.member):
                yield partial(self._tell_expiring, one=one, occasion=occasion)

    def _tell_expiring(self, connection: sa.Connection, one: Expiring, occasion: str) -> list[Posted]:
        """Tell a member that a certificate of it ends, unless it was renewed meanwhile."""
        now = Received(self._clock())
        ended = {key.fingerprint for key in keys_of(connection, one.member) if key.ended is not None}
        if one.key in ended or _known(connection, avicle.CODE, "", occasion, one.member):
            return []
        remember(connection, avicle.CODE, "", occasion, one.member, now)
        header = self._seal.header(one.member, now.at)
        news = avicle.KeyNews(header, avicle.Event.EXPIRES, one.key, one.expires)
        return [deliver(connection, self._seal, one.member, avicle.CODE, (), avicle.write(news), now)]

    def _outages(self, connection: sa.Connection) -> Iterator[Work]:
        """Each outage to each member who was there and was not told yet."""
        declared = outages(connection)
        for one in declared:
            occasion = f"outage {one.first}"
            if members := _unknowing(connection, occasion, one):
                ends = announcing.of_outage(one, [other for other in declared if other != one])
                told = Bulletin(occasion, announcing.interruption(one), ends)
                yield from (partial(self._publish, member=each, told=told) for each in members)

    def _publish(self, connection: sa.Connection, member: MemberId, told: Bulletin) -> list[Posted]:
        """Tell a member who has an agreement what all are told."""
        now = Received(self._clock())
        agreed = agreement_of(connection, member, now)
        if (
            agreed is None
            or not agreed.procedures
            or _known(connection, calend.CODE, "", told.occasion, member)
        ):
            return []
        remember(connection, calend.CODE, "", told.occasion, member, now)
        document = calend.Calendar(self._seal.header(member, now.at), told.about, told.deadlines)
        return [deliver(connection, self._seal, member, calend.CODE, (), calend.write(document), now)]

    def _keep(self, looked: Mapping[str, int]) -> None:
        """Remember how far the registers were looked through."""
        with self._database.write() as connection:
            for register, row in looked.items():
                mark = dialects.of(connection).insert(bookmark).values(name=register, row=row)
                connection.execute(mark.on_conflict_do_update(index_elements=["name"], set_={"row": row}))

    def _by_recipient(
        self, connection: sa.Connection, cases: Iterable[Case], day: date
    ) -> Mapping[MemberId, list[Case]]:
        """The cases due on a day by the members who would be told."""
        found: dict[MemberId, list[Case]] = defaultdict(list)
        registers, now = _registers(connection), Received(self._clock())
        for case in cases:
            for member in _told_of(connection, registers, case, day, now):
                found[member].append(case)
        return found

    def _tell_missing(
        self, connection: sa.Connection, member: MemberId, cases: Sequence[Case], day: date
    ) -> list[Posted]:
        """Tell a member which wages are awaited of its employers, in one SALMAN."""
        registers, now = _registers(connection), Received(self._clock())
        missing: list[salman.MissingWage] = []
        for case in cases:
            declared = _told_of(connection, registers, case, day, now).get(member)
            if declared is None:
                continue
            occasion = f"{case.period} {declared.deposit}"
            known = _known(connection, salman.CODE, case.employer, occasion, member)
            awaited = [one for one in awaiting.missing(case, registers) if one.insured not in known]
            for one in awaited:
                remember(connection, salman.CODE, case.employer, occasion, member, now, one.insured)
            missing += awaited
        if not missing:
            return []
        document = salman.MissingWages(self._seal.header(member, now.at), tuple(missing))
        employers = tuple(dict.fromkeys(one.employer for one in missing))
        return [deliver(connection, self._seal, member, salman.CODE, employers, salman.write(document), now)]

    def _list_staff(self, connection: sa.Connection, employer: str, period: Period) -> list[Posted]:
        """Send the staff list of an employer and month to those who may declare its wages."""
        registers, now = _registers(connection), Received(self._clock())
        listed = tuple(listing.staff(employer, period, registers))
        if not listed or _known(connection, lisper.CODE, employer, str(period)):
            return []
        posted = []
        for member in listing.recipients(registers.mandates.for_employer(employer), now):
            document = lisper.StaffList(self._seal.header(member, now.at), listed)
            remember(connection, lisper.CODE, employer, str(period), member, now)
            posted.append(
                deliver(connection, self._seal, member, lisper.CODE, (employer,), lisper.write(document), now)
            )
        return posted

    def _count(self, connection: sa.Connection, employer: str, turn: counting.Turn) -> list[Posted]:
        """Send the employees counted for an employer to those with the right to its invoices."""
        registers, now = _registers(connection), Received(self._clock())
        counted = tuple(counting.counted(employer, turn.year, registers))
        if not counted or _known(connection, chapro.CODE, employer, _occasion(turn)):
            return []
        posted = []
        for member in counting.recipients(registers.mandates.for_employer(employer), now):
            header = self._seal.header(member, now.at)
            document = chapro.CountedEmployees(header, turn.year, turn.stage, turn.until, counted)
            remember(connection, chapro.CODE, employer, _occasion(turn), member, now)
            posted.append(
                deliver(connection, self._seal, member, chapro.CODE, (employer,), chapro.write(document), now)
            )
        return posted


def _succeeds(connection: sa.Connection, work: Work) -> bool:
    """Do a piece of work beside others; nothing of it is left when it fails."""
    try:
        with connection.begin_nested():
            work(connection)
    except Exception as error:
        log.error("notice.failed", reason=place_of(error))
        return False
    return True


def deliver(
    connection: sa.Connection,
    seal: Seal,
    member: MemberId,
    code: str,
    employers: tuple[str, ...],
    document: etree._Element,
    now: Received,
) -> Posted:
    """Seal a notice and put it on a member's shelf."""
    answer = give(connection, seal, member, document, now.at)
    return Posted(code, employers, str(member), answer.name)


def remember(
    connection: sa.Connection,
    kind: str,
    employer: str,
    occasion: str,
    member: MemberId,
    now: Received,
    insured: str = "",
) -> None:
    """Enter that a member was told something of an employer; of one insured, or of the whole staff.

    Raises:
        sqlalchemy.exc.IntegrityError: when it was told that before.
    """
    told = {
        "kind": kind,
        "employer": employer,
        "occasion": occasion,
        "insured": insured,
        "member": str(member),
        "posted": str(now),
    }
    connection.execute(_REMEMBER, told)


def _registers(connection: sa.Connection) -> Registers:
    return bind(connection, SqlWages(connection), SqlActivities(connection))


def _cases(connection: sa.Connection, day: date) -> tuple[list[Case], Mapping[str, int]]:
    """The cases to look at on a day, and up to which rows the registers are then looked through.

    They are those of which wages were declared before the day, or somebody's affiliation entered or
    changed, since the last complete round. Other days than working days have none.
    """
    if not is_working_day(day):
        return [], {}
    begun = str(Received(datetime(day.year, day.month, day.day, tzinfo=LUXEMBOURG)))
    marks = {row.name: row.row for row in connection.execute(sa.select(bookmark))}
    wages, affiliations = marks.get("wage", 0), marks.get("affiliation", 0)
    last_wage = _last_wage_before(connection, begun, wages)
    last_affiliation = connection.execute(sa.select(sa.func.max(affiliation.c.id))).scalar() or 0
    cases = {
        *_declared_between(connection, wages, last_wage),
        *_affiliated_between(connection, affiliations, last_affiliation),
    }
    return sorted(cases), {"wage": last_wage, "affiliation": last_affiliation}


def _last_wage_before(connection: sa.Connection, begun: str, mark: int) -> int:
    """The id of the last wage after a mark before the first one that was received in a day that has begun."""
    fresh = (
        sa.select(sa.func.min(wage.c.id))
        .join(deposit, deposit.c.number == wage.c.deposit)
        .where(wage.c.id > mark, deposit.c.received >= begun)
    )
    first: int | None = connection.execute(fresh).scalar()
    if first is not None:
        return first - 1
    last: int = connection.execute(sa.select(sa.func.max(wage.c.id))).scalar() or 0
    return last


def _declared_between(connection: sa.Connection, after: int, last: int) -> Iterator[Case]:
    query = (
        sa.select(wage.c.employer, wage.c.period)
        .where(wage.c.id > after, wage.c.id <= last, wage.c.period >= str(awaiting.FIRST))
        .distinct()
    )
    for employer, period in connection.execute(query):
        yield Case(employer, Period.parse(period))


def _affiliated_between(connection: sa.Connection, after: int, last: int) -> Iterator[Case]:
    """The months declared that lie between the first entry and the last exit of each employer's changes."""
    changed = (
        sa.select(
            affiliation.c.employer,
            sa.func.min(affiliation.c.entry),
            sa.func.max(sa.func.coalesce(affiliation.c.exit, "9999-12-31")),
        )
        .where(affiliation.c.id > after, affiliation.c.id <= last, affiliation.c.state == "current")
        .group_by(affiliation.c.employer)
    )
    for employer, entry, left in connection.execute(changed).all():
        asked = {"of": employer, "first": max(entry[:7], str(awaiting.FIRST)), "last": left[:7]}
        for period in connection.execute(_DECLARED_MONTHS, asked).scalars():
            yield Case(employer, Period.parse(period))


def _told_of(
    connection: sa.Connection, registers: Registers, case: Case, day: date, now: Received
) -> Mapping[MemberId, Declared]:
    """Who is told on a day what is missing in a case, and which deposit left it out."""
    declared = _declared(connection, case)
    if declared is None or not awaiting.is_due(declared, day):
        return {}
    mandates = registers.mandates.for_employer(case.employer)
    return dict.fromkeys(awaiting.recipients(declared, mandates, now), declared)


def _declared(connection: sa.Connection, case: Case) -> Declared | None:
    """The latest deposit of which wages of a case stand."""
    query = (
        sa.select(deposit.c.number, deposit.c.sender, deposit.c.received)
        .join(wage, wage.c.deposit == deposit.c.number)
        .where(wage.c.employer == case.employer, wage.c.period == str(case.period), _STANDS)
        .order_by(deposit.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Declared(row.number, MemberId(row.sender[:13], row.sender[13:]), Received.parse(row.received))


def _untold(connection: sa.Connection, kind: str, occasion: str, first: date, last: date) -> list[str]:
    """The employers with any mandate and with somebody affiliated in a span, of whom nobody was told yet."""
    affiliated = sa.exists().where(
        affiliation.c.employer == mandate.c.employer,
        affiliation.c.state == "current",
        affiliation.c.entry <= last.isoformat(),
        sa.or_(affiliation.c.exit.is_(None), affiliation.c.exit >= first.isoformat()),
    )
    told = sa.exists().where(
        notice.c.kind == kind, notice.c.employer == mandate.c.employer, notice.c.occasion == occasion
    )
    query = sa.select(mandate.c.employer).where(affiliated, sa.not_(told)).distinct()
    return list(connection.execute(query.order_by(mandate.c.employer)).scalars())


def _unknowing(connection: sa.Connection, occasion: str, outage: Outage | None = None) -> list[MemberId]:
    """The members who were not told yet of a month, or of an outage before whose end they were registered."""
    told = sa.exists().where(
        notice.c.kind == calend.CODE, notice.c.member == enrolled.c.id, notice.c.occasion == occasion
    )
    query = sa.select(enrolled.c.id).where(sa.not_(told)).order_by(enrolled.c.id)
    if outage is not None:
        query = query.where(enrolled.c.registered < str(outage.until))
    return [MemberId(one[:13], one[13:]) for one in connection.execute(query).scalars()]


def _known(
    connection: sa.Connection, kind: str, employer: str, occasion: str, member: MemberId | None = None
) -> set[str]:
    """About whom a member, or anybody, was told; an empty text stands for the whole staff."""
    asked = {"of_kind": kind, "about": employer, "on": occasion}
    if member is None:
        return set(connection.execute(_TOLD, asked).scalars())
    return set(connection.execute(_TOLD_MEMBER, {**asked, "to": str(member)}).scalars())


def _occasion(turn: counting.Turn) -> str:
    return f"{turn.year} {turn.stage}"
