"""Notices: what the gateway tells without being asked, from signed batches in to sealed documents out.

Each test has a gateway of its own, whose clock the test holds; it begins on Thursday 20 August 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import Result
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.persons import SqlPersons
from adapters.notices import Notices, Posted
from adapters.renumbering import NotRenumbered, renumber
from gateway import wire
from gateway.agreement import Agreement
from gateway.batch import MemberId
from gateway.deadlines import Kind
from gateway.moments import Period, Received
from gateway.registers import Address, Affiliation, Identity
from gateway.returns import calend, chapro, chgmat, lisper, salman
from gateway.returns.chapro import Counted, Stage
from gateway.returns.chgmat import Change
from gateway.returns.lisper import LastWage, Listed
from gateway.seal import Seal
from inbox.receive import Deposit
from tests.flow.premises import (
    START,
    HandClock,
    affiliations,
    look_over,
    midnight,
    move,
    rows,
    someone,
    wages,
)
from tests.house import (
    EMPLOYER,
    FOREIGN_EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    House,
    Sender,
    entry,
    house,
    wage,
    wait_for,
)

FRIDAY = date(2026, 8, 21)
MONDAY = date(2026, 8, 24)
TUESDAY = date(2026, 8, 25)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def home(tmp_path: Path, clock: HandClock) -> Iterator[House]:
    """A gateway without doors; two employers are registered."""
    with house(tmp_path, clock=clock) as opened:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            opened.employer(employer)
        yield opened
        look_over(opened)


@pytest.fixture
def sender(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


@pytest.fixture
def other(home: House) -> Sender:
    return home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])


def notices(home: House) -> Notices:
    gateway = home.gateway
    return Notices(gateway.database, gateway.seal, gateway.clock)


def run(home: House, day: date, kind: str = "SALMAN") -> list[Posted]:
    """What a run on a day posts of a kind."""
    return [one for one in notices(home).run(day) if one.kind == kind]


def posted(home: House, member: MemberId, kind: str) -> list[bytes]:
    """What a member has got of a kind, in order."""
    query = "SELECT content FROM answer WHERE recipient = :member AND kind = :kind ORDER BY number"
    return [row["content"] for row in rows(home, query, member=str(member), kind=kind)]


def awaited(home: House, member: MemberId) -> list[list[tuple[str, str, str]]]:
    """Employer, insured and period of each record, for each SALMAN a member has got."""
    documents = [salman.read(etree.fromstring(content)) for content in posted(home, member, "SALMAN")]
    return [[(one.employer, one.insured, str(one.period)) for one in each.missing] for each in documents]


def declare(home: House, sender: Sender, *records: dict[str, str]) -> None:
    outcome = home.send(sender, "DECSAL", records)
    assert (outcome.verdict, outcome.codes) == ("accepted", [])


def affiliate(
    home: House, insured: str, first: date, last: date | None = None, contract: str = "I", scheme: str = "03"
) -> None:
    """Enter an affiliation without a declaration."""
    with home.gateway.database.write() as connection:
        affiliation = Affiliation(EMPLOYER, insured, first, last, contract, scheme)
        SqlAffiliations(connection).open(affiliation)


ANNA = Identity("MUSTER", "ANNA", date(1891, 2, 3))


def registered(home: House) -> str:
    """The number of Anna Muster, whom nobody knew before."""
    address = Address("1", "HAUPTSTRASSE", "54290", "TRIER", "DE")
    with home.gateway.database.write() as connection:
        number = SqlPersons(connection).assign(ANNA, "DE", address)
    assert number is not None
    return number


def on(home: House, clock: HandClock, day: date) -> None:
    """Put the clock to nine o'clock of a day."""
    move(home, clock, datetime(day.year, day.month, day.day, 7, tzinfo=UTC))


def test_one_forgotten_wage_is_told_to_its_declarer_once(
    home: House, sender: Sender, other: Sender, clock: HandClock
) -> None:
    declared, forgotten = someone(), someone()
    home.affiliate(declared, forgotten)
    home.affiliate(forgotten, employer=OTHER_EMPLOYER)
    declare(home, sender, wage(declared))
    assert run(home, date(2026, 8, 20)) == []
    (told,) = run(home, FRIDAY)
    assert (told.employers, told.member) == ((EMPLOYER,), str(sender.member))
    assert run(home, FRIDAY) == run(home, MONDAY) == []
    assert awaited(home, sender.member) == [[(EMPLOYER, forgotten, "2026-07")]]
    assert awaited(home, other.member) == []
    declare(home, sender, wage(forgotten))
    on(home, clock, MONDAY)
    assert run(home, TUESDAY) == []


def test_the_running_gateway_tells_it_by_itself(home: House, sender: Sender, clock: HandClock) -> None:
    declared, forgotten = someone(), someone()
    home.affiliate(declared, forgotten)
    declare(home, sender, wage(declared))
    on(home, clock, FRIDAY)
    engine = home.gateway.engine
    wait_for(lambda: engine._swept == FRIDAY or None)
    for _ in range(2):
        assert engine._treatment.sweep(Received(clock()))
    assert awaited(home, sender.member) == [[(EMPLOYER, forgotten, "2026-07")]]
    assert len(posted(home, sender.member, "LISPER")) == 1


def test_names_come_from_the_register_of_persons(home: House, sender: Sender) -> None:
    number = registered(home)
    declared = someone()
    home.affiliate(declared, number)
    declare(home, sender, wage(declared))
    run(home, FRIDAY)
    (content,) = posted(home, sender.member, "SALMAN")
    (missing,) = salman.read(etree.fromstring(content)).missing
    assert missing == salman.MissingWage(EMPLOYER, number, Period(2026, 7), "MUSTER", "ANNA", None)


def test_a_month_of_which_nothing_was_declared_gives_none(home: House, sender: Sender) -> None:
    home.affiliate(someone(), someone())
    assert run(home, FRIDAY) == []


def test_a_wage_on_hold_is_not_missing_and_counts_as_declared(home: House, sender: Sender) -> None:
    """The affiliation of the held one is missing, that of the other one is not."""
    held, forgotten = someone(), someone()
    home.affiliate(forgotten)
    declare(home, sender, wage(held))
    run(home, FRIDAY)
    assert awaited(home, sender.member) == [[(EMPLOYER, forgotten, "2026-07")]]


def test_who_was_affiliated_on_no_day_of_the_month_is_not_missing(home: House, sender: Sender) -> None:
    declared, earlier, later, last_day = (someone() for _ in range(4))
    home.affiliate(declared)
    affiliate(home, earlier, date(2026, 6, 1), date(2026, 6, 30))
    affiliate(home, later, date(2026, 8, 1))
    affiliate(home, last_day, date(2026, 7, 31))
    declare(home, sender, wage(declared))
    run(home, FRIDAY)
    assert awaited(home, sender.member) == [[(EMPLOYER, last_day, "2026-07")]]


def test_it_is_told_again_only_after_another_deposit_leaves_it_out(
    home: House, sender: Sender, clock: HandClock
) -> None:
    one, two, forgotten = (someone() for _ in range(3))
    home.affiliate(one, two, forgotten)
    declare(home, sender, wage(one))
    run(home, FRIDAY)
    on(home, clock, MONDAY)
    declare(home, sender, wage(two))
    assert run(home, MONDAY) == []
    run(home, TUESDAY)
    told = [sorted(insured for _, insured, _ in each) for each in awaited(home, sender.member)]
    assert told == [sorted([two, forgotten]), [forgotten]]


def test_who_enters_later_is_told_alone(home: House, sender: Sender, clock: HandClock) -> None:
    """The entry declaration comes when the month has been declared and the first gap was told."""
    declared, forgotten, latecomer = (someone() for _ in range(3))
    home.affiliate(declared, forgotten)
    declare(home, sender, wage(declared))
    run(home, FRIDAY)
    home.affiliate(latecomer)
    run(home, MONDAY)
    told = [[insured for _, insured, _ in each] for each in awaited(home, sender.member)]
    assert told == [[forgotten], [latecomer]]


def test_nothing_is_told_on_a_day_off(home: House, sender: Sender, clock: HandClock) -> None:
    on(home, clock, FRIDAY)
    declared, forgotten = someone(), someone()
    home.affiliate(declared, forgotten)
    declare(home, sender, wage(declared))
    assert run(home, date(2026, 8, 22)) == run(home, date(2026, 8, 23)) == []
    assert len(run(home, MONDAY)) == 1


def test_a_member_whose_mandate_has_ended_is_told_nothing_its_successor_is(
    home: House, sender: Sender, other: Sender, clock: HandClock
) -> None:
    declared, forgotten = someone(), someone()
    home.affiliate(declared, forgotten)
    declare(home, sender, wage(declared))
    members, now = home.gateway.members, Received(clock())
    for row in rows(home, "SELECT number FROM mandate WHERE member = :m", m=str(sender.member)):
        members.end_mandate(row["number"], date(2026, 8, 20), now)
    members.grant(other.member, EMPLOYER, ["DECSAL"], first=FRIDAY, last=None, at=now)
    on(home, clock, FRIDAY)
    run(home, FRIDAY)
    assert awaited(home, sender.member) == []
    assert awaited(home, other.member) == [[(EMPLOYER, forgotten, "2026-07")]]


def test_one_document_for_all_employers_of_a_member(home: House, other: Sender) -> None:
    """And for all months of each."""
    both = home.sender(MemberId(FOREIGN_EMPLOYER, "300003"), [EMPLOYER, OTHER_EMPLOYER])
    declared, forgotten = someone(), someone()
    for employer in (EMPLOYER, OTHER_EMPLOYER):
        home.affiliate(declared, forgotten, employer=employer)
    declare(
        home,
        both,
        wage(declared),
        wage(declared, Period="2026-06"),
        wage(declared, OTHER_EMPLOYER),
    )
    run(home, FRIDAY)
    months = [(EMPLOYER, "2026-06"), (EMPLOYER, "2026-07"), (OTHER_EMPLOYER, "2026-07")]
    due = [(employer, forgotten, month) for employer, month in months]
    assert awaited(home, both.member) == [due]
    assert awaited(home, other.member) == []


# LISPER


def staff_lists(home: House, member: MemberId) -> list[tuple[Listed, ...]]:
    """What each staff list of a member names."""
    return [lisper.read(etree.fromstring(content)).listed for content in posted(home, member, "LISPER")]


FIRST_OF_SEPTEMBER = date(2026, 9, 1)


def test_the_staff_list_comes_on_the_first_working_day_and_once(
    home: House, sender: Sender, clock: HandClock
) -> None:
    """1 November 2026 is a Sunday and a holiday; 2 August a Sunday."""
    home.affiliate(someone())
    assert run(home, date(2026, 11, 1), "LISPER") == []
    assert [one.member for one in run(home, date(2026, 11, 2), "LISPER")] == [str(sender.member)]
    assert run(home, date(2026, 11, 2), "LISPER") == run(home, date(2026, 11, 30), "LISPER") == []
    assert len(run(home, date(2026, 12, 1), "LISPER")) == 1
    periods = [{str(one.period) for one in listed} for listed in staff_lists(home, sender.member)]
    assert periods == [{"2026-10"}, {"2026-11"}]


def test_a_staff_list_missed_on_its_day_comes_later_in_the_month(home: House, sender: Sender) -> None:
    home.affiliate(someone())
    assert len(run(home, date(2026, 9, 17), "LISPER")) == 1


def test_the_staff_list_names_who_was_affiliated_on_a_day_of_the_month(home: House, sender: Sender) -> None:
    stays, left, came, gone, future = (someone() for _ in range(5))
    affiliate(home, stays, date(2020, 1, 1), scheme="10")
    affiliate(home, left, date(2026, 1, 5), date(2026, 8, 1), "D")
    affiliate(home, came, date(2026, 8, 31), None, "E")
    affiliate(home, gone, date(2026, 1, 1), date(2026, 7, 31), "D")
    affiliate(home, future, date(2026, 9, 1))
    run(home, FIRST_OF_SEPTEMBER)
    august = Period(2026, 8)
    due = [
        Listed(EMPLOYER, stays, august, date(2020, 1, 1), None, "I", "10"),
        Listed(EMPLOYER, left, august, date(2026, 1, 5), date(2026, 8, 1), "D", "03"),
        Listed(EMPLOYER, came, august, date(2026, 8, 31), None, "E", "03"),
    ]
    assert staff_lists(home, sender.member) == [tuple(sorted(due, key=lambda one: one.insured))]


def test_the_staff_list_brings_names_and_what_was_last_declared(
    home: House, sender: Sender, clock: HandClock
) -> None:
    """Of the latest month, all its parts together, and only what counts."""
    known, unpaid = registered(home), someone()
    home.affiliate(known, unpaid)
    declare(home, sender, wage(known, Period="2026-06", BaseWage="9999.99"), wage(known, BaseWage="1.00"))
    halves = {"FirstDay": "01", "LastDay": "15"}, {"FirstDay": "16", "LastDay": "31"}
    declare(home, sender, *(wage(known, WorkHours="80", **half) for half in halves))
    run(home, FIRST_OF_SEPTEMBER)
    (listed,) = staff_lists(home, sender.member)
    by_insured = {one.insured: one for one in listed}
    assert by_insured[known].last_wage == LastWage(Period(2026, 7), 100 + 2 * 381240, 173 + 2 * 80)
    assert (by_insured[known].surname, by_insured[known].first_name) == ("MUSTER", "ANNA")
    assert (by_insured[unpaid].last_wage, by_insured[unpaid].surname) == (None, None)


def test_the_staff_list_goes_to_every_member_who_may_declare_and_to_no_other(
    home: House, sender: Sender, other: Sender, clock: HandClock
) -> None:
    third = home.sender(MemberId(FOREIGN_EMPLOYER, "300003"), [])
    members, now = home.gateway.members, Received(clock())
    members.grant(other.member, EMPLOYER, ["DECSAL"], first=date(2026, 1, 1), last=None, at=now)
    members.grant(third.member, EMPLOYER, ["DECAFF", "CALCUL"], first=date(2026, 1, 1), last=None, at=now)
    members.grant(third.member, EMPLOYER, ["DECSAL"], first=date(2026, 1, 1), last=date(2026, 8, 19), at=now)
    home.affiliate(someone())
    told = {one.member for one in run(home, FIRST_OF_SEPTEMBER, "LISPER")}
    assert told == {str(sender.member), str(other.member)}


def test_an_employer_without_staff_gets_no_list(home: House, sender: Sender) -> None:
    assert run(home, FIRST_OF_SEPTEMBER, "LISPER") == []


# CHAPRO


def test_the_employees_of_the_first_of_march_are_counted_twice_a_year(
    home: House, sender: Sender, clock: HandClock
) -> None:
    counted, left_on_the_day = registered(home), someone()
    too_late, too_early, pupil, official = (someone() for _ in range(4))
    affiliate(home, counted, date(2020, 1, 1))
    affiliate(home, left_on_the_day, date(2027, 3, 1), date(2027, 3, 1), "D")
    affiliate(home, too_late, date(2027, 3, 2))
    affiliate(home, too_early, date(2020, 1, 1), date(2027, 2, 28))
    affiliate(home, pupil, date(2027, 2, 1), date(2027, 3, 31), "E")
    affiliate(home, official, date(2020, 1, 1), None, "I", "10")
    for day in (date(2027, 4, 30), date(2027, 5, 2), date(2027, 6, 1), date(2027, 7, 31)):
        expected = 1 if day.month == 7 else 0
        assert len(run(home, day, "CHAPRO")) == expected, day
    assert len(run(home, date(2027, 5, 3), "CHAPRO")) == 1
    assert run(home, date(2027, 5, 3), "CHAPRO") == run(home, date(2027, 7, 1), "CHAPRO") == []
    charged, check = (
        chapro.read(etree.fromstring(content)) for content in posted(home, sender.member, "CHAPRO")
    )
    assert (check.year, check.stage, charged.stage) == (2027, Stage.CHECK, Stage.CHARGED)
    assert check.until == charged.until == date(2027, 6, 30)
    due = [
        Counted(EMPLOYER, counted, date(2020, 1, 1), "I", "MUSTER", "ANNA"),
        Counted(EMPLOYER, left_on_the_day, date(2027, 3, 1), "D"),
    ]
    assert check.counted == charged.counted == tuple(sorted(due, key=lambda one: one.insured))


def test_the_counted_go_to_those_with_the_right_to_the_invoices(
    home: House, sender: Sender, other: Sender, clock: HandClock
) -> None:
    now = Received(clock())
    home.gateway.members.grant(
        other.member, FOREIGN_EMPLOYER, ["CALCUL"], first=date(2026, 1, 1), last=None, at=now
    )
    home.gateway.members.grant(
        sender.member, FOREIGN_EMPLOYER, ["DECSAL", "DECAFF"], first=date(2026, 1, 1), last=None, at=now
    )
    home.affiliate(someone(), employer=FOREIGN_EMPLOYER)
    assert [one.member for one in run(home, date(2027, 5, 3), "CHAPRO")] == [str(other.member)]


# CHGMAT


def give_number(home: House, old: str, new: str, effective: date = date(2026, 8, 20)) -> list[Posted]:
    gateway = home.gateway
    now = Received(gateway.clock())
    return renumber(gateway.database, gateway.seal, old=old, new=new, effective=effective, now=now)


def test_a_change_of_number_is_told_to_those_concerned(
    home: House, sender: Sender, other: Sender, clock: HandClock
) -> None:
    third = home.sender(MemberId(FOREIGN_EMPLOYER, "300003"), [])
    members, now = home.gateway.members, Received(clock())
    members.grant(third.member, EMPLOYER, ["CALCUL", "DECMAL"], first=date(2026, 1, 1), last=None, at=now)
    old, new, bystander = someone(), someone(), someone()
    home.affiliate(old, bystander)
    home.affiliate(bystander, employer=OTHER_EMPLOYER)
    assert [one.member for one in give_number(home, old, new)] == [str(sender.member)]
    (content,) = posted(home, sender.member, "CHGMAT")
    changes = chgmat.read(etree.fromstring(content)).changes
    assert changes == (Change(EMPLOYER, old, new, date(2026, 8, 20)),)
    journal = rows(home, "SELECT subject FROM journal WHERE event = 'renumbered'")
    assert journal == [{"subject": f"{old} {new} 2026-08-20"}]


def test_an_employer_of_the_past_is_not_told(home: House, sender: Sender) -> None:
    old = someone()
    affiliate(home, old, date(2020, 1, 1), date(2026, 8, 19))
    assert give_number(home, old, someone()) == []


def test_what_stands_stands_under_the_new_number(home: House, sender: Sender) -> None:
    old, new = registered(home), someone()
    home.affiliate(old)
    declare(home, sender, wage(old), wage(old, Period="2026-06"))
    declare(home, sender, wage(old, BaseWage="1000.00"))
    give_number(home, old, new)
    assert wages(home, new) == [("current", 381240), ("current", 100000)]
    assert wages(home, old) == [("superseded", 381240)]
    assert affiliations(home, old) == []
    assert affiliations(home, new) == [("2015-01-01", None)]
    with home.gateway.database.read() as connection:
        assert SqlPersons(connection).find([ANNA]) == {ANNA: new}
    assert run(home, FRIDAY) == []


def test_records_with_the_old_number_are_refused_and_those_with_the_new_one_taken(
    home: House, sender: Sender
) -> None:
    old, new = someone(), someone()
    home.affiliate(old)
    give_number(home, old, new)
    assert home.send(sender, "DECSAL", [wage(old)]).codes == ["SALRET-3"]
    assert home.send(sender, "DECAFF", [entry(old)]).codes == ["AFFRET-1"]
    absence = {"Kind": "declaration", "Employer": EMPLOYER, "Insured": old, "Period": "2026-07"}
    absence |= {"IncapacityType": "1", "Start": "2026-07-13", "End": "2026-07-17", "Hours": "40"}
    assert home.send(sender, "DECMAL", [absence]).codes == ["MALRET-2"]
    assert home.send(sender, "DECSAL", [wage(new)]).kept.state == "done"
    assert home.send(sender, "DECMAL", [absence | {"Insured": new}]).codes == []


def test_a_mission_with_the_old_number_is_refused(home: House) -> None:
    agency = home.sender(MEMBER, [EMPLOYER], kind="agency")
    old, new = someone(), someone()
    home.affiliate(old)
    give_number(home, old, new)
    mission = {"Kind": "exit", "Employer": EMPLOYER, "Insured": old, "User": OTHER_EMPLOYER}
    mission |= {"Entry": "2026-08-03", "Exit": "2026-08-20"}
    assert "INTRET-1" in home.send(agency, "DECINT", [mission]).codes
    assert "INTRET-1" not in home.send(agency, "DECINT", [mission | {"Insured": new}]).codes


def test_a_stranger_learns_nothing_about_a_replaced_number(
    home: House, sender: Sender, other: Sender
) -> None:
    """Without a mandate the answer is the same as for any number."""
    old = someone()
    home.affiliate(old)
    give_number(home, old, someone())
    assert home.send(other, "DECSAL", [wage(old)]).codes == ["MANDATE-EMPLOYER"]
    assert home.send(other, "DECAFF", [entry(old)]).codes == ["MANDATE-EMPLOYER"]


def test_a_wage_declared_too_early_under_the_new_number_counts(home: House, sender: Sender) -> None:
    old, new = someone(), someone()
    home.affiliate(old)
    declare(home, sender, wage(new))
    assert wages(home, new) == [("held", 381240)]
    give_number(home, old, new)
    assert wages(home, new) == [("current", 381240)]


def test_a_number_that_is_wrong_unknown_or_taken_changes_nothing(home: House, sender: Sender) -> None:
    known, taken, free = registered(home), someone(), someone()
    home.affiliate(taken)
    before = rows(home, "SELECT * FROM journal")
    for old, new in (
        (known, "1893120105733"),
        (free, someone()),
        (known, taken),
        (known, known),
    ):
        with pytest.raises(NotRenumbered):
            give_number(home, old, new)
    assert rows(home, "SELECT * FROM journal") == before
    give_number(home, known, free)
    for old, new in ((known, someone()), (taken, known), (taken, free)):
        with pytest.raises(NotRenumbered):
            give_number(home, old, new)


def test_two_wages_of_one_month_under_both_numbers_stop_the_change(home: House, sender: Sender) -> None:
    old, new = someone(), someone()
    home.affiliate(old)
    declare(home, sender, wage(old), wage(new))
    with pytest.raises(NotRenumbered):
        give_number(home, old, new)
    assert affiliations(home, old) == [("2015-01-01", None)]


# CALEND


def calendars(home: House, member: MemberId) -> list[calend.Calendar]:
    return [calend.read(etree.fromstring(content)) for content in posted(home, member, "CALEND")]


def test_every_member_is_told_the_time_limits_of_a_month_once(
    home: House, sender: Sender, other: Sender
) -> None:
    assert [one.member for one in run(home, date(2026, 9, 1), "CALEND")] == sorted(
        str(one.member) for one in (sender, other)
    )
    assert run(home, date(2026, 9, 1), "CALEND") == run(home, date(2026, 9, 30), "CALEND") == []
    (told,) = calendars(home, sender.member)
    assert told.about == Period(2026, 9)
    ends = {(one.kind, str(one.event)): (one.last, one.hour, str(one.late_from)) for one in told.deadlines}
    assert ends[Kind.WAGE, "2026-08"] == (date(2026, 9, 10), 24, "2026-09-10T22:00:00.000000Z")
    assert ends[Kind.REMINDER, "2026-08"] == (date(2026, 9, 24), 24, "2026-09-24T22:00:00.000000Z")
    assert ends[Kind.BILLING, "2026-07"] == (date(2026, 9, 1), 18, "2026-09-01T16:00:00.000000Z")
    assert {one.last.month for one in told.deadlines} == {9}
    assert [one.late_from for one in told.deadlines] == sorted(one.late_from for one in told.deadlines)
    assert [one.about for one in calendars(home, other.member)] == [Period(2026, 9)]
    assert [one.kind for one in run(home, date(2026, 10, 1), "CALEND")] == ["CALEND"] * 2


def test_who_comes_in_the_middle_of_a_month_is_told_and_who_left_is_not(home: House, sender: Sender) -> None:
    run(home, FRIDAY, "CALEND")
    newcomer = home.sender(MemberId(EMPLOYER, "100888"), [])
    revoked = Agreement(frozenset())
    home.gateway.members.agree(sender.member, revoked, Received(home.clock()))
    assert [one.member for one in run(home, MONDAY, "CALEND")] == [str(newcomer.member)]
    assert [one.member for one in run(home, date(2026, 9, 1), "CALEND")] == [str(newcomer.member)]


def test_the_calendar_reaches_the_outbox_by_itself(home: House, sender: Sender, clock: HandClock) -> None:
    move(home, clock, midnight(date(2026, 9, 1)))
    assert wait_for(lambda: calendars(home, sender.member) or None)[0].about == Period(2026, 9)


def test_a_notice_that_fails_leaves_the_others_as_they_are_and_is_made_later(
    home: House, sender: Sender, other: Sender
) -> None:
    """They are posted several in one transaction."""

    class Faint(Seal):
        def header(
            self, recipient: MemberId, created: datetime, deposit: Deposit | None = None
        ) -> wire.AnswerHeader:
            if recipient == sender.member:
                raise OSError("no ink")
            return super().header(recipient, created, deposit)

    gateway, day = home.gateway, date(2026, 9, 1)
    faint = Notices(gateway.database, Faint(gateway.seal.signer, gateway.seal.environment), home.clock)
    assert not faint.sweep(day)
    assert [len(calendars(home, one.member)) for one in (sender, other)] == [0, 1]
    assert notices(home).sweep(day)
    assert [len(calendars(home, one.member)) for one in (sender, other)] == [1, 1]


def test_all_members_are_told_of_an_outage_and_what_it_extends(
    home: House, sender: Sender, other: Sender
) -> None:
    first, until = "2026-09-10T08:00", "2026-09-10T10:00"
    done = secugate(home, "outage", "--from", first, "--until", until, "--reason", "A line was cut.")
    assert done.exit_code == 0, done.output
    assert "2 members are told" in done.stdout
    for member in (sender.member, other.member):
        (told,) = calendars(home, member)
        assert isinstance(told.about, calend.Interruption)
        assert str(told.about.first) == "2026-09-10T06:00:00.000000Z"
        assert told.about.reason == "A line was cut."
        moved = {(one.kind, str(one.event)): (one.nominal, one.last) for one in told.deadlines}
        assert moved[Kind.WAGE, "2026-08"] == (date(2026, 9, 10), date(2026, 9, 11))
        assert moved[Kind.ENTRY, "2026-09-02"] == (date(2026, 9, 10), date(2026, 9, 11))
        assert (Kind.REMINDER, "2026-08") not in moved
        assert (Kind.ENTRY, "2026-09-03") not in moved
    assert run(home, date(2026, 9, 11), "CALEND")  # of September
    assert len(calendars(home, sender.member)) == 2
    assert list(notices(home).tell_outages()) == []
    (september,) = [one for one in calendars(home, sender.member) if one.about == Period(2026, 9)]
    (wages_,) = [one for one in september.deadlines if one.kind is Kind.WAGE]
    assert (wages_.nominal, wages_.last) == (date(2026, 9, 10), date(2026, 9, 11))


def test_who_is_registered_after_an_outage_is_not_told_of_it(
    home: House, sender: Sender, clock: HandClock
) -> None:
    words = ("--from", "2026-08-19T08:00", "--until", "2026-08-19T10:00", "--reason", "Power")
    assert "0 members are told" in secugate(home, "outage", *words).stdout
    words = ("--from", "2026-08-24T08:00", "--until", "2026-08-24T10:00", "--reason", "Power")
    assert "1 members are told" in secugate(home, "outage", *words).stdout
    clock.put(midnight(TUESDAY))
    newcomer = home.sender(MemberId(EMPLOYER, "100889"), [])
    assert list(notices(home).tell_outages()) == []
    assert calendars(home, newcomer.member) == []


# The operator's commands


def secugate(home: House, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data", str(home.settings.data)])


def test_the_operator_posts_what_is_due_on_a_day(home: House, sender: Sender) -> None:
    declared, forgotten = someone(), someone()
    home.affiliate(declared, forgotten)
    declare(home, sender, wage(declared))
    done = secugate(home, "notices", "--day", "2026-08-21", "--json")
    assert done.exit_code == 0
    told = [(one["kind"], one["employers"], one["member"]) for one in json.loads(done.stdout)]
    about = {"SALMAN": [EMPLOYER], "LISPER": [EMPLOYER], "CALEND": []}
    assert told == [(kind, employers, str(sender.member)) for kind, employers in about.items()]
    names = [
        row["name"] for row in rows(home, "SELECT name FROM answer WHERE deposit IS NULL ORDER BY number")
    ]
    assert [one["name"] for one in json.loads(done.stdout)] == names
    assert json.loads(secugate(home, "notices", "--day", "2026-08-21", "--json").stdout) == []
    assert secugate(home, "notices", "--day", "21.8.2026").exit_code == 2


def test_the_operator_enters_a_new_number(home: House, sender: Sender) -> None:
    old, new = someone(), someone()
    home.affiliate(old)
    done = secugate(home, "renumber", old, new, "--first", "2026-08-01")
    assert done.exit_code == 0
    assert "CHGMAT" in done.stdout
    assert affiliations(home, new) == [("2015-01-01", None)]
    again = secugate(home, "renumber", old, new)
    assert (again.exit_code, "replaced already" in again.stderr) == (1, True)
