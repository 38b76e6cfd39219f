"""Wages that came before the affiliation: kept, released, or given back after a month. The clock moves
forward only; each test begins on a day of its own (`today`)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from lxml import etree

from gateway.moments import Received
from tests.flow.premises import (
    HandClock,
    answers,
    counts,
    kinds,
    midnight,
    move,
    rows,
    someone,
    swept,
    texts,
    wages,
)
from tests.house import OTHER_EMPLOYER, House, Sender, entry, wage

SALRET_14 = "14"


def held(home: House, sender: Sender, *records: dict[str, str]) -> str:
    """The id of a deposit whose wages wait."""
    outcome = home.send(sender, "DECSAL", records)
    known = outcome.acknowledgement
    assert (outcome.verdict, known.held, known.accepted) == ("accepted", len(records), 0)
    assert (outcome.kept.state, outcome.codes, known.returns) == ("held", [], ())
    assert outcome.hints == ["SALRET-HELD"] * len(records)
    return outcome.kept.deposit.id


def test_a_held_wage_counts_once_its_affiliation_is_declared(
    home: House, sender: Sender, today: date
) -> None:
    one, two = someone(), someone()
    deposit = held(home, sender, wage(one), wage(two, BaseWage="2000.00"))
    assert counts(home, sender, deposit) == ("held", 0, 0, 2)
    assert wages(home, one) == [("held", 381240)]
    home.send(sender, "DECAFF", [entry(one)])
    assert counts(home, sender, deposit) == ("held", 1, 0, 1)
    assert (wages(home, one), wages(home, two)) == ([("current", 381240)], [("held", 200000)])
    home.send(sender, "DECAFF", [entry(two)])
    assert counts(home, sender, deposit) == ("done", 2, 0, 0)
    assert wages(home, two) == [("current", 200000)]
    assert kinds(answers(home, deposit)) == ["ACKREC", "ACKTRT"]


def test_held_and_refused_records_are_counted_apart(home: House, sender: Sender, today: date) -> None:
    affiliated, waiting = someone(), someone()
    home.affiliate(affiliated)
    records = [wage(affiliated), wage(waiting), wage(someone(), InactiveHours="3")]
    outcome = home.send(sender, "DECSAL", records)
    known = outcome.acknowledgement
    assert (outcome.verdict, known.accepted, known.held, known.rejected) == ("partial", 1, 1, 1)
    assert counts(home, sender, outcome.kept.deposit.id) == ("held", 1, 1, 1)
    home.send(sender, "DECAFF", [entry(waiting)])
    assert counts(home, sender, outcome.kept.deposit.id) == ("done", 2, 1, 0)


def test_an_affiliation_releases_its_own_days_and_employer_only(
    home: House, sender: Sender, other: Sender, today: date
) -> None:
    insured = someone()
    deposit = held(home, sender, wage(insured))
    assert home.send(other, "DECAFF", [entry(insured, OTHER_EMPLOYER)]).verdict == "accepted"
    late = home.send(sender, "DECAFF", [entry(insured, Entry="2026-08-01")])
    assert late.verdict == "accepted"
    assert counts(home, sender, deposit) == ("held", 0, 0, 1)
    change = entry(insured, Entry="2026-07-31", PreviousEntry="2026-08-01")
    assert home.send(sender, "DECAFF", [{**change, "Kind": "change"}]).codes == []
    assert counts(home, sender, deposit) == ("done", 1, 0, 0)


def test_a_refused_entry_releases_nothing(home: House, sender: Sender, today: date) -> None:
    insured = someone()
    deposit = held(home, sender, wage(insured))
    assert home.send(sender, "DECAFF", [entry(insured, Scheme="99")]).verdict == "rejected"
    assert counts(home, sender, deposit) == ("held", 0, 0, 1)


def test_a_wage_waits_a_month_and_is_then_given_back(
    home: House, sender: Sender, clock: HandClock, today: date
) -> None:
    """Received on the 5th it may wait to the end of the next month's 5th, in Luxembourg (SALRET 14)."""
    insured, lucky = someone(), someone()
    deposit = held(home, sender, wage(insured, Reference="Zeile 1"), wage(lucky))
    home.send(sender, "DECAFF", [entry(lucky)])
    last = (today + timedelta(31)).replace(day=today.day)
    move(home, clock, midnight(last))
    assert home.send(sender, "DECSAL", [wage(someone())]).verdict == "accepted"  # the day is swept
    assert counts(home, sender, deposit) == ("held", 1, 0, 1)
    move(home, clock, midnight(last + timedelta(1)))
    swept(home, sender, deposit, "done")
    assert counts(home, sender, deposit) == ("done", 1, 1, 0)
    assert wages(home, insured) == [("expired", 381240)]
    given = answers(home, deposit)
    assert kinds(given) == ["ACKREC", "ACKTRT", "SALRET"]
    assert texts(given[-1][1], "Rejected/Code") == [SALRET_14]
    assert texts(given[-1][1], "Rejected/Insured") == [insured]
    assert texts(given[-1][1], "Rejected/Reference") == ["Zeile 1"]
    assert etree.fromstring(given[-1][1]).xpath("//@record") == ["1"]
    assert texts(given[-1][1], "Header/Deposit/Id") == [deposit]


def test_just_before_midnight_in_luxembourg_it_still_waits(
    home: House, sender: Sender, clock: HandClock, today: date
) -> None:
    deposit = held(home, sender, wage(someone()))
    first_day_after = (today + timedelta(31)).replace(day=today.day + 1)
    before = midnight(first_day_after) - timedelta(seconds=1)
    move(home, clock, before)
    home.gateway.engine._treatment.sweep(Received(before))
    assert counts(home, sender, deposit)[0] == "held"
    home.gateway.engine._treatment.sweep(Received(midnight(first_day_after)))
    assert counts(home, sender, deposit)[0] == "done"


def test_a_later_entry_does_not_revive_what_was_given_back(
    home: House, sender: Sender, clock: HandClock, today: date
) -> None:
    insured = someone()
    deposit = held(home, sender, wage(insured))
    move(home, clock, midnight(today + timedelta(40)))
    swept(home, sender, deposit, "done")
    assert home.send(sender, "DECAFF", [entry(insured)]).verdict == "accepted"
    assert wages(home, insured) == [("expired", 381240)]
    assert counts(home, sender, deposit) == ("done", 0, 1, 0)
    assert home.send(sender, "DECSAL", [wage(insured, Reference="again")]).kept.state == "done"
    assert wages(home, insured) == [("expired", 381240), ("current", 381240)]


def test_a_wage_is_given_back_once(home: House, sender: Sender, clock: HandClock, today: date) -> None:
    deposit = held(home, sender, wage(someone()), wage(someone()))
    late = Received(clock() + timedelta(40))
    for _ in range(3):
        home.gateway.engine._treatment.sweep(late)
    assert kinds(answers(home, deposit)) == ["ACKREC", "ACKTRT", "SALRET"]
    assert counts(home, sender, deposit) == ("done", 0, 2, 0)


def test_each_deposit_has_its_own_month(home: House, sender: Sender, clock: HandClock, today: date) -> None:
    early = held(home, sender, wage(someone()))
    move(home, clock, midnight(today + timedelta(10)))
    late = held(home, sender, wage(someone()))
    move(home, clock, midnight(today + timedelta(35)))
    swept(home, sender, early, "done")
    assert counts(home, sender, late) == ("held", 0, 0, 1)
    move(home, clock, midnight(today + timedelta(45)))
    swept(home, sender, late, "done")


def test_a_held_wage_declared_again_waits_anew(
    home: House, sender: Sender, clock: HandClock, today: date
) -> None:
    insured = someone()
    first = held(home, sender, wage(insured))
    move(home, clock, midnight(today + timedelta(20)))
    second = held(home, sender, wage(insured, BaseWage="2500.00"))
    assert wages(home, insured) == [("superseded", 381240), ("held", 250000)]
    assert counts(home, sender, first)[0] == "done"
    move(home, clock, midnight(today + timedelta(40)))
    home.gateway.engine._treatment.sweep(Received(clock()))
    assert kinds(answers(home, first)) == ["ACKREC", "ACKTRT"]
    assert home.send(sender, "DECAFF", [entry(insured)]).verdict == "accepted"
    assert wages(home, insured) == [("superseded", 381240), ("current", 250000)]
    assert counts(home, sender, second) == ("done", 1, 0, 0)


@pytest.mark.parametrize("before", [True, False])
def test_a_mandate_ends_with_its_day_in_luxembourg(
    home: House, sender: Sender, clock: HandClock, today: date, before: bool
) -> None:
    """On the last day at one minute to midnight, and a minute later."""
    number = home.gateway.members.grant(
        sender.member, OTHER_EMPLOYER, ["DECSAL"], first=today, last=today, at=Received(clock())
    )
    at = midnight(today + timedelta(1)) + timedelta(minutes=-1 if before else 1)
    move(home, clock, at)
    outcome = home.send(sender, "DECSAL", [wage(someone(), OTHER_EMPLOYER)])
    assert outcome.codes == ([] if before else ["MANDATE-EMPLOYER"])
    used = [decision.mandate for decision in outcome.acknowledgement.decisions]
    assert used == [number if before else None]
    assert rows(home, "SELECT last FROM mandate WHERE number = :n", n=number) == [{"last": str(today)}]
