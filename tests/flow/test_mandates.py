"""Mandates: asked for, confirmed, handed over and taken back, from deposit to deposit; employers and
certificates beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway.batch import MemberId
from gateway.matricule import is_employer
from gateway.moments import Received
from gateway.procedures import PROCEDURES
from gateway.procedures.employer.demman import MOST_PENDING
from gateway.registers import MandateState
from gateway.returns import certif, empass, manass
from gateway.returns.acktrt import Decision
from gateway.returns.manass import SettledMandate
from inbox.receive import Receipt
from tests.flow.premises import HandClock, move, rows, someone, texts
from tests.flow.test_payroll import payroll, send
from tests.house import INSURED, House, Outcome, Sender, entry, wage

Fields = dict[str, str]


def _numbers() -> Iterator[str]:
    found = (f"20999904{n:02d}{digit}99" for n in range(100) for digit in range(10))
    return (number for number in found if is_employer(number))


_free = _numbers()


@pytest.fixture(scope="module")
def fiduciary(home: House) -> Sender:
    """A fiduciary that acts for nobody yet."""
    return home.sender(MemberId("2099990020999", "200002"), [], kind="fiduciary")


@pytest.fixture(scope="module")
def successor(home: House) -> Sender:
    """Another fiduciary."""
    return home.sender(MemberId("2099990061699", "200003"), [], kind="fiduciary")


@pytest.fixture
def employer(home: House) -> Sender:
    """A new employer of the register, itself a member, and with a right to nothing."""
    matricule = next(_free)
    home.employer(matricule)
    return home.sender(MemberId(matricule, "400004"), [])


def mandate(kind: str, employer: str, **fields: str) -> Fields:
    return {"Kind": kind, "Employer": employer, **fields}


def request(employer: str, procedures: str = "DECSAL", **fields: str) -> Fields:
    return mandate("request", employer, Procedures=procedures, **fields)


def number_of(outcome: Outcome) -> str:
    return str(settled(outcome).number)


def settled(outcome: Outcome) -> SettledMandate:
    """The one mandate of an answer."""
    (one,) = manass.read(etree.fromstring(outcome.answers["MANASS"])).settled
    return one


def granted(home: House, fiduciary: Sender, employer: Sender, **fields: str) -> str:
    """A mandate for wages, asked for and confirmed; its number."""
    number = number_of(home.send(fiduciary, "DEMMAN", [request(employer.member.matricule, **fields)]))
    home.send(employer, "DEMMAN", [mandate("confirm", employer.member.matricule, Number=number)])
    return number


def pay(home: House, sender: Sender, employer: Sender) -> Outcome:
    """A wage declared for an employer, of a person whom nobody declared: on hold at best."""
    return home.send(sender, "DECSAL", [wage(someone(), employer.member.matricule)])


def refused(outcome: Outcome) -> bool:
    return outcome.codes == ["MANDATE-EMPLOYER"]


def test_a_request_gives_no_right_until_the_employer_confirms_it_and_none_after_its_end(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    matricule = employer.member.matricule
    asked = home.send(fiduciary, "DEMMAN", [request(matricule, Reference="M-1")])
    pending = settled(asked)
    assert (asked.verdict, pending.state, pending.employer) == ("accepted", MandateState.PENDING, matricule)
    assert (pending.member, pending.procedures, pending.reference) == (
        fiduciary.member,
        frozenset({"DECSAL"}),
        "M-1",
    )
    assert refused(pay(home, fiduciary, employer))

    number = str(pending.number)
    confirmed = home.send(employer, "DEMMAN", [mandate("confirm", matricule, Number=number)])
    assert settled(confirmed).state is MandateState.GRANTED
    outcome = pay(home, fiduciary, employer)
    assert outcome.codes == []
    (decision,) = outcome.acknowledgement.decisions
    assert (decision.employer, str(decision.mandate)) == (matricule, number)

    ended = settled(home.send(employer, "DEMMAN", [mandate("end", matricule, Number=number)]))
    assert (ended.state, ended.last) == (MandateState.ENDED, None)
    assert ended.ended is not None
    assert refused(pay(home, fiduciary, employer))


def test_every_change_is_kept_with_who_made_it_by_which_deposit(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    number = granted(home, fiduciary, employer)
    outcome = home.send(fiduciary, "DEMMAN", [mandate("end", employer.member.matricule, Number=number)])
    found = rows(
        home,
        "SELECT e.state, e.member, d.sender, d.id, e.at = d.received AS same FROM mandate_event e"
        " JOIN deposit d ON d.number = e.deposit WHERE e.mandate = :n ORDER BY e.id",
        n=number,
    )
    assert [(row["state"], row["member"]) for row in found] == [
        ("pending", str(fiduciary.member)),
        ("granted", str(employer.member)),
        ("ended", str(fiduciary.member)),
    ]
    assert all(row["sender"] == row["member"] and row["same"] for row in found)
    assert found[-1]["id"] == outcome.kept.deposit.id
    assert home.findings() == ()


def test_only_the_mandate_s_own_procedures_are_allowed(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    granted(home, fiduciary, employer)
    asked = {
        "Kind": "affiliation",
        "Employer": employer.member.matricule,
        "Insured": INSURED,
        "First": "2026-01",
        "Last": "2026-07",
    }
    assert refused(home.send(fiduciary, "DEMCER", [asked]))
    assert not refused(pay(home, fiduciary, employer))


def test_an_unknown_employer_is_answered_as_a_known_one(home: House, fiduciary: Sender) -> None:
    known, unknown = next(_free), next(_free)
    home.employer(known)
    told = []
    for matricule in (known, unknown):
        outcome = home.send(fiduciary, "DEMMAN", [request(matricule)])
        assert outcome.acknowledgement.decisions == ()
        one = settled(outcome)
        told.append((outcome.verdict, set(outcome.answers), one.state, one.first, one.last, one.procedures))
    assert told[0] == told[1]


def test_only_so_many_requests_for_one_employer_wait(home: House, fiduciary: Sender) -> None:
    unknown = "2099990003999"
    days = [f"2026-12-{day:02d}" for day in range(12, 0, -1)]  # each asks for more than those before
    outcome = home.send(fiduciary, "DEMMAN", [request(unknown, First=day) for day in days])
    assert outcome.acknowledgement.accepted == MOST_PENDING
    assert outcome.codes == ["MANRET-12"] * (len(days) - MOST_PENDING)


def test_nobody_else_sees_or_changes_a_mandate(
    home: House, fiduciary: Sender, successor: Sender, employer: Sender
) -> None:
    matricule = employer.member.matricule
    number = granted(home, fiduciary, employer)
    stranger = home.sender(MemberId(next(_free), "500005"), [])
    for sender in (successor, stranger):
        end = home.send(sender, "DEMMAN", [mandate("end", matricule, Number=number)])
        assert (end.verdict, end.codes, "MANASS" in end.answers) == ("rejected", ["MANRET-8"], False)
        never = home.send(sender, "DEMMAN", [mandate("end", matricule, Number="999999")])
        assert never.codes == end.codes
        grant = mandate("grant", matricule, Member=str(sender.member), Procedures="DECSAL")
        assert home.send(sender, "DEMMAN", [grant]).codes == ["MANRET-9"]
        assert refused(pay(home, sender, employer))
        posted = home.gateway.outbox.collection.after(str(sender.member), 0, 10_000)
        assert not any(
            number in texts(home.content(sender, one.answer.id), "Settled/Number") for one in posted
        )
    assert not refused(pay(home, fiduciary, employer))


def midnight(day: date) -> datetime:
    """The beginning of a day in Luxembourg, in summer."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=2)


def test_a_hand_over_in_the_middle_of_a_month(
    home: House, fiduciary: Sender, successor: Sender, employer: Sender, clock: HandClock
) -> None:
    """The day of receipt decides, not the month that is declared."""
    matricule, today = employer.member.matricule, Received(clock()).day
    number = granted(home, fiduciary, employer)
    last, first = today + timedelta(1), today + timedelta(2)
    outcome = home.send(
        employer,
        "DEMMAN",
        [
            mandate("end", matricule, Last=last.isoformat(), Number=number),
            mandate(
                "grant",
                matricule,
                Member=str(successor.member),
                Procedures="DECSAL",
                First=first.isoformat(),
            ),
        ],
    )
    old, new = manass.read(etree.fromstring(outcome.answers["MANASS"])).settled
    assert (old.state, old.last, old.ended) == (MandateState.GRANTED, last, None)
    assert (new.state, new.first, new.last) == (MandateState.GRANTED, first, None)
    assert (refused(pay(home, fiduciary, employer)), refused(pay(home, successor, employer))) == (False, True)
    move(home, clock, midnight(first) - timedelta(minutes=1))
    assert (refused(pay(home, fiduciary, employer)), refused(pay(home, successor, employer))) == (False, True)
    move(home, clock, midnight(first) + timedelta(minutes=1))
    assert (refused(pay(home, fiduciary, employer)), refused(pay(home, successor, employer))) == (True, False)


def deposited(home: House, sender: Sender, code: str, records: Sequence[Mapping[str, str]]) -> Receipt:
    return home.receive(sender, home.name(code, sender.member), home.batch(sender, code, records))


def test_a_mandate_lost_between_two_deposits_is_kept_by_the_first_with_all_its_records(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    """All three lie there before any is treated: the moment of receipt decides, and nothing is lost."""
    matricule = employer.member.matricule
    number = granted(home, fiduciary, employer)
    before = deposited(home, fiduciary, "DECSAL", [wage(someone(), matricule) for _ in range(20)])
    ended = deposited(home, employer, "DEMMAN", [mandate("end", matricule, Number=number)])
    after = deposited(home, fiduciary, "DECSAL", [wage(someone(), matricule) for _ in range(20)])
    first, second = (home.outcome(fiduciary, receipt.deposit) for receipt in (before, after))
    assert home.outcome(employer, ended.deposit).verdict == "accepted"
    assert (first.acknowledgement.held, first.codes) == (20, [])
    assert (second.acknowledgement.rejected, second.codes) == (20, ["MANDATE-EMPLOYER"] * 20)


def test_what_came_in_before_an_end_or_a_confirmation_is_decided_as_of_then(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    """However late it is treated: here the moments alone are asked."""
    matricule = employer.member.matricule
    asked = home.send(fiduciary, "DEMMAN", [request(matricule)])
    confirmed = home.send(employer, "DEMMAN", [mandate("confirm", matricule, Number=number_of(asked))])
    ended = home.send(employer, "DEMMAN", [mandate("end", matricule, Number=number_of(asked))])
    at = [Received(each.kept.deposit.received) for each in (asked, confirmed, ended)]
    (kept,) = (
        one for one in home.gateway.members.mandates(MandateState) if str(one.number) == number_of(asked)
    )
    moment = timedelta(microseconds=1)
    moments = [at[0], Received(at[1].at - moment), at[1], Received(at[2].at - moment), at[2]]
    assert [kept.covers("DECSAL", one) for one in moments] == [False, False, True, True, False]


def test_decisions_have_ids_and_refusals_are_kept_as_well(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    number = granted(home, fiduciary, employer)
    foreign = next(_free)
    records = [wage(someone(), employer.member.matricule), wage(someone(), foreign)]
    outcome = home.send(fiduciary, "DECSAL", [*records, wage(someone(), foreign)])
    place = outcome.kept.number
    decided = (
        Decision(employer.member.matricule, "DECSAL", 1, int(number), f"{place}-1"),
        Decision(foreign, "DECSAL", 2, None, f"{place}-2"),
    )
    assert outcome.acknowledgement.decisions == decided
    found = rows(
        home,
        "SELECT id, employer, procedure, records, mandate, allowed FROM decision WHERE deposit = :n"
        " ORDER BY id",
        n=place,
    )
    assert [tuple(row.values()) for row in found] == [
        (f"{place}-1", employer.member.matricule, "DECSAL", 1, int(number), 1),
        (f"{place}-2", foreign, "DECSAL", 2, None, 0),
    ]
    deposit = outcome.kept.deposit.id
    _, output = run(home, "mandate", "decisions", "--deposit", deposit, "--json")
    assert [(one["id"], one["records"], one["allowed"], one["mandate"]) for one in json.loads(output)] == [
        (one.id, one.records, one.allowed, one.mandate) for one in decided
    ]
    status, table = run(home, "mandate", "decisions", "--deposit", deposit)
    assert (status, f"mandate {number}" in table, "refused" in table) == (0, True, True)
    assert max(map(len, table.splitlines())) <= 80
    assert run(home, "mandate", "decisions", "--deposit", "unknown")[0] == 1


def test_the_parts_of_a_payroll_have_decisions_of_their_own(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    matricule = employer.member.matricule
    number = home.gateway.members.grant(
        fiduciary.member,
        matricule,
        ["DECSAL"],
        first=date(2020, 1, 1),
        last=None,
        at=Received(home.clock()),
    )
    records = {"DECSAL": [wage(someone(), matricule)] * 2, "DECAFF": [entry(someone(), matricule)]}
    outcome = send(home, fiduciary, payroll(home, fiduciary, records))
    told = outcome.acknowledgement.decisions
    assert [(one.procedure, one.records, one.mandate) for one in told] == [
        ("DECAFF", 1, None),
        ("DECSAL", 2, number),
    ]


def test_the_history_of_a_mandate_can_be_shown(home: House, fiduciary: Sender, employer: Sender) -> None:
    asked = home.send(fiduciary, "DEMMAN", [request(employer.member.matricule)])
    number = number_of(asked)
    assert run(home, "mandate", "confirm", number)[0] == 0
    assert run(home, "mandate", "end", number, "--last", "2031-12-31")[0] == 0
    _, output = run(home, "mandate", "history", number, "--json")
    told = json.loads(output)
    assert (told["member"], told["employer"]) == (str(fiduciary.member), employer.member.matricule)
    turns = told["history"]
    assert [one["at"] for one in turns] == sorted(one["at"] for one in turns)
    assert [(one["state"], one["by"], one["deposit"]) for one in turns] == [
        ("pending", str(fiduciary.member), asked.kept.deposit.id),
        ("granted", None, None),
        ("granted", None, None),
    ]
    assert [one["last"] for one in turns][-1] == "2031-12-31"
    status, table = run(home, "mandate", "history", number)
    assert status == 0
    assert asked.kept.deposit.id in table
    assert table.count("operator") == 2
    assert run(home, "mandate", "history", "999999")[0] == 1


def run(home: House, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--data", str(home.settings.data)], env={"COLUMNS": "80"})
    return done.exit_code, done.output


def test_the_operator_lists_confirms_and_ends(home: House, fiduciary: Sender, employer: Sender) -> None:
    matricule = employer.member.matricule
    number = number_of(home.send(fiduciary, "DEMMAN", [request(matricule)]))

    def listed(*words: str) -> dict[str, Any]:
        _, output = run(home, "mandate", "list", *words, "--json")
        return {str(row["number"]): row for row in json.loads(output)}

    assert listed("--pending")[number]["employer"] == matricule
    assert run(home, "mandate", "confirm", number)[0] == 0
    assert number not in listed("--pending")
    assert listed()[number]["state"] == "granted"
    assert run(home, "mandate", "confirm", number)[0] == 1
    assert run(home, "mandate", "end", number)[0] == 0
    assert run(home, "mandate", "end", number)[0] == 1
    assert listed()[number]["state"] == "ended"
    assert number in run(home, "mandate", "list")[1]
    found = rows(home, "SELECT member, deposit FROM mandate_event WHERE mandate = :n ORDER BY id", n=number)
    assert [row["member"] for row in found] == [str(fiduciary.member), None, None]
    assert home.findings() == ()


def test_what_the_operator_confirms_and_ends_holds_from_then_on(
    home: House, fiduciary: Sender, employer: Sender
) -> None:
    members = home.gateway.members
    number = settled(home.send(fiduciary, "DEMMAN", [request(employer.member.matricule)])).number
    assert members.confirm_mandate(number, Received(home.clock()))
    assert not refused(pay(home, fiduciary, employer))
    assert members.end_mandate(number, None, Received(home.clock()))
    assert refused(pay(home, fiduciary, employer))
    assert not members.confirm_mandate(number, Received(home.clock()))


def test_a_fiduciary_registers_a_client_and_gets_its_mandate(home: House, fiduciary: Sender) -> None:
    national = next(_free)[:11]
    asked = {"Kind": "registration", "NationalNumber": national, "Name": "Atelier Neuf S.A."}
    outcome = home.send(fiduciary, "DEMEMP", [asked])
    number = given(outcome)
    assert number == f"{national}00"
    assert outcome.acknowledgement.decisions == ()
    assert given(home.send(fiduciary, "DEMEMP", [{**asked, "Reference": "again"}])) == number
    another = home.send(fiduciary, "DEMEMP", [{**asked, "Name": "Autre S.A."}])
    assert another.codes == ["EMPRET-15"]
    assert refused(home.send(fiduciary, "DECSAL", [wage(someone(), number)]))
    pending = settled(home.send(fiduciary, "DEMMAN", [request(number, "DECSAL DEMEMP")])).number
    assert home.gateway.members.confirm_mandate(pending, Received(home.clock()))
    assert home.send(fiduciary, "DECSAL", [wage(someone(), number)]).codes == []
    (year,) = rows(
        home, "SELECT year, mde_class, accident_factor FROM employer_year WHERE matricule = :m", m=number
    )
    assert tuple(year.values()) == (2026, 2, 100)
    assert run(home, "employer", "year", number, "2026:3:1.10")[0] == 0
    years = rows(
        home,
        "SELECT mde_class, accident_factor FROM employer_year WHERE matricule = :m ORDER BY id",
        m=number,
    )
    assert [tuple(year.values()) for year in years] == [(2, 100), (3, 110)]

    renamed = home.send(
        fiduciary, "DEMEMP", [{"Kind": "name", "Employer": number, "Name": "Atelier Ancien S.A."}]
    )
    assert given(renamed) == number
    (name,) = rows(home, "SELECT name FROM employer WHERE matricule = :m", m=number)
    assert name["name"] == "Atelier Ancien S.A."
    (change,) = rows(
        home,
        "SELECT n.before, n.name, n.first, d.id FROM employer_name n JOIN deposit d ON d.number = n.deposit"
        " WHERE n.matricule = :m",
        m=number,
    )
    today = Received(renamed.kept.deposit.received).day
    assert tuple(change.values()) == (
        "Atelier Neuf S.A.",
        "Atelier Ancien S.A.",
        today.isoformat(),
        renamed.kept.deposit.id,
    )


def given(outcome: Outcome) -> str:
    """The one number of an EMPASS."""
    (one,) = empass.read(etree.fromstring(outcome.answers["EMPASS"])).assigned
    return one.employer


def test_who_registers_itself_may_act_at_once_and_for_no_other(home: House) -> None:
    own, foreign = next(_free), next(_free)
    sender = home.sender(MemberId(own, "600006"), [])
    asked = {"Kind": "registration", "NationalNumber": own[:11], "Name": "Seule S.A."}
    number = given(home.send(sender, "DEMEMP", [asked]))
    assert home.send(sender, "DECSAL", [wage(someone(), number)]).codes == []
    outcome = home.send(sender, "DEMEMP", [{**asked, "NationalNumber": foreign[:11]}])
    assert (outcome.verdict, outcome.codes) == ("rejected", ["EMPRET-10"])
    (kept,) = rows(home, "SELECT procedures FROM mandate WHERE member = :m", m=str(sender.member))
    codes = {one.code for one in PROCEDURES} - {"DEMMAN"} | {"CALCUL"}
    assert codes <= set(kept["procedures"].split())


def test_a_certificate_says_what_is_stored(home: House, employer: Sender) -> None:
    matricule, insured = employer.member.matricule, someone()
    home.affiliate(insured, employer=matricule)
    own = request(matricule, "DECSAL DEMCER")
    assert settled(home.send(employer, "DEMMAN", [own])).state is MandateState.GRANTED
    home.send(
        employer,
        "DECSAL",
        [
            wage(insured, matricule, WorkHours="80", FirstDay="01", LastDay="15"),
            wage(insured, matricule, BaseWage="1000.00", WorkHours="60", FirstDay="16", LastDay="31"),
            wage(insured, matricule, Period="2026-06", Gratuities="500.00"),
        ],
    )
    home.send(employer, "DECSAL", [wage(insured, matricule, Period="2026-06", BaseWage="4000.00")])
    asked = {
        "Kind": "income",
        "Employer": matricule,
        "Insured": insured,
        "First": "2026-01",
        "Last": "2026-07",
    }
    outcome = home.send(employer, "DEMCER", [asked, {**asked, "Kind": "affiliation"}])
    income, affiliation = certif.read(etree.fromstring(outcome.answers["CERTIF"])).certified
    assert income.spans == affiliation.spans == ((date(2015, 1, 1), None),)
    assert affiliation.incomes == ()
    assert [(str(one.period), one.base_wage, one.gratuities, one.hours) for one in income.incomes] == [
        ("2026-06", 400000, 0, 173),
        ("2026-07", 481240, 0, 140),
    ]
