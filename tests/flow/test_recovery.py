"""Recovery and fines through the whole gateway: the ledger in, sealed documents and journal entries out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from click.testing import Result
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.fines import Fines
from adapters.recovery import NotDue, Recovery, Taken
from gateway.client.seals import GOOD, seal_verdict
from gateway.deadlines import Kind as DeadlineKind
from gateway.fines import NotDone
from gateway.ledger import Dispute
from gateway.ledger import entries as book
from gateway.moments import Period, Received
from gateway.recovery import LaterDay, State
from gateway.recovery.words import Kind
from gateway.returns import recouv
from tests.flow.premises import START, HandClock, execute, look_over, move, rows, someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, Sender, entry, house, wait_for

CHARGE = {"CNS": 30_000, "CNAP": 50_000}
TOTAL = sum(CHARGE.values())


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def home(tmp_path: Path, clock: HandClock) -> Iterator[House]:
    """A gateway in August 2026 that does not recover by itself: only what a test orders is done."""
    with house(tmp_path, clock=clock) as opened:
        opened.gateway.engine._sweep_again = math.inf
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            opened.employer(employer)
        yield opened
        look_over(opened)


@pytest.fixture
def sender(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


def charge(home: House, due: date, statement: int, employer: str = EMPLOYER) -> int:
    with home.gateway.database.write() as connection:
        (number,) = SqlLedger(connection).enter(
            [
                book.contributions(
                    employer,
                    statement=statement,
                    issued=due - timedelta(10),
                    due=due,
                    period=Period(due.year, due.month).plus(-2),
                    by_institution=CHARGE,
                    booked=Received(home.clock()),
                )
            ]
        )
    return number


def pay(home: House, amount: int, day: date, employer: str = EMPLOYER) -> None:
    with home.gateway.database.write() as connection:
        booked = Received(home.clock())
        paid = book.payment(employer, day=day, amount=amount, reference=str(day), booked=booked)
        SqlLedger(connection).enter([paid])


def recovery(home: House) -> Recovery:
    return Recovery(home.gateway.database, home.gateway.seal, home.clock)


def fines(home: House) -> Fines:
    return Fines(home.gateway.database, home.gateway.seal, home.clock)


def noon(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T12:00:00").replace(tzinfo=UTC)


def on(home: House, clock: HandClock, text: str) -> list[Taken]:
    """What recovery does at noon of a day."""
    move(home, clock, noon(text))
    return list(recovery(home).run(date.fromisoformat(text)))


def swept_on(home: House, day: date) -> None:
    """Wait until the engine has done by itself what falls due on a day."""
    wait_for(lambda: True if home.gateway.engine._swept == day else None)


def events(taken: list[Taken]) -> list[str]:
    return [one.step.event.name for one in taken]


def told(home: House) -> list[recouv.Notice]:
    """Every RECOUV on the shelf of the member, in order; each under our seal."""
    found = rows(home, "SELECT content FROM answer WHERE kind = 'RECOUV' ORDER BY number")
    assert all(seal_verdict(row["content"], home.seals) == GOOD for row in found)
    return [recouv.read(etree.fromstring(row["content"])) for row in found]


def journal(home: House, *kinds: str) -> list[str]:
    found = rows(home, "SELECT event, subject FROM journal ORDER BY sequence")
    return [row["subject"] for row in found if row["event"] in kinds]


def four(home: House, first: int = 5) -> list[int]:
    """Four statements, due on the 25th of as many months, from May or another one on."""
    return [charge(home, date(2026, first + place, 25), place + 1) for place in range(4)]


def test_from_four_unpaid_statements_to_the_bailiff(home: House, sender: Sender, clock: HandClock) -> None:
    items = four(home)
    assert events(on(home, clock, "2026-09-04")) == ["REMINDER"]
    assert events(on(home, clock, "2026-09-04")) == []
    assert events(on(home, clock, "2026-09-15")) == ["SUMMONS"]
    with pytest.raises(NotDue, match="no constraint"):
        recovery(home).constrain(EMPLOYER, date(2026, 9, 15), "legal office")
    for _ in range(2):
        (proposal,) = on(home, clock, "2026-10-16")
        assert (proposal.number, proposal.posted) == (None, ())
    assert [one.kind for one in told(home)] == [Kind.REMINDER, Kind.SUMMONS]
    with pytest.raises(NotDue, match="lies ahead"):
        recovery(home).constrain(EMPLOYER, date(2026, 10, 17), "legal office")
    with pytest.raises(NotDue, match="no constraint"):
        recovery(home).constrain(OTHER_EMPLOYER, date(2026, 10, 16), "legal office")
    ordered = recovery(home).constrain(EMPLOYER, date(2026, 10, 16), "legal office")
    assert len(ordered.posted) == 1
    with pytest.raises(NotDue, match="no constraint"):
        recovery(home).constrain(EMPLOYER, date(2026, 10, 16), "legal office")
    reminder, summons, constraint = told(home)
    assert [one.entry for one in reminder.items] == items
    assert (reminder.amount, reminder.last_day) == (4 * TOTAL, date(2026, 9, 14))
    assert (summons.amount, summons.last_day) == (4 * TOTAL, date(2026, 10, 15))
    assert (constraint.kind, constraint.amount, constraint.last_day) == (Kind.CONSTRAINT, 4 * TOTAL, None)
    assert {str(one.header.recipient) for one in told(home)} == {str(MEMBER)}
    (case,) = recovery(home).standings(date(2026, 10, 16))
    assert (case.case.state, case.unpaid, case.free) == (State.CONSTRAINT, 4 * TOTAL, 4 * TOTAL)
    pay(home, 4 * TOTAL, date(2026, 10, 20))
    assert events(on(home, clock, "2026-10-20")) == ["SETTLEMENT"]
    assert recovery(home).standings(date(2026, 10, 20)) == []
    words = [subject.split()[-1] for subject in journal(home, "recovery")]
    assert words == ["reminder", "summons", "constraint", "settlement"]
    (by,) = {row["by"] for row in rows(home, "SELECT by FROM recovery_event WHERE event = 'constraint'")}
    assert by == "legal office"
    with pytest.raises(LaterDay):
        on_an_earlier_day(home)


def on_an_earlier_day(home: House) -> None:
    list(recovery(home).run(date(2026, 10, 19)))


def test_the_gateway_recovers_each_day_by_itself(home: House, sender: Sender, clock: HandClock) -> None:
    """In the daily sweep, each step once; a constraint is left to the operator."""
    four(home)
    home.gateway.engine._sweep_again = 0.0
    reminded = [Kind.REMINDER]
    for day, kinds in {
        "2026-09-04": reminded,
        "2026-09-15": [*reminded, Kind.SUMMONS],
        "2026-10-16": [*reminded, Kind.SUMMONS],
    }.items():
        move(home, clock, noon(day))
        swept_on(home, date.fromisoformat(day))
        assert [one.kind for one in told(home)] == kinds
    assert home.gateway.engine._treatment.sweep(Received(home.clock()))
    assert len(told(home)) == 2


def test_the_sweep_and_the_command_at_once_take_each_step_once(
    home: House, sender: Sender, clock: HandClock
) -> None:
    for number in range(1, 11):
        charge(home, date(2026, 7, 25), number, employer := f"{EMPLOYER[:-3]}{number:03}")
        home.employer(employer)
    clock.put(noon("2026-09-04"))
    day = date(2026, 9, 4)
    together = Barrier(2)

    def swept() -> None:
        together.wait()
        assert recovery(home).sweep(day)

    def ran() -> list[Taken]:
        together.wait()
        return list(recovery(home).run(day))

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(swept), pool.submit(ran)
        first.result()
        assert len(second.result()) <= 10
    assert [row["event"] for row in rows(home, "SELECT event FROM recovery_event")] == ["reminder"] * 10
    assert len(journal(home, "recovery")) == 10


def test_a_dispute_freezes_its_amount_alone(home: House, sender: Sender, clock: HandClock) -> None:
    items = four(home)
    with home.gateway.database.write() as connection:
        contested = Dispute(None, EMPLOYER, items[0], 30_000, date(2026, 8, 1), "C-1", Received(home.clock()))
        SqlArrangements(connection).open_dispute(contested)
    on(home, clock, "2026-09-04")
    (reminder,) = told(home)
    assert {one.entry: one.amount for one in reminder.items} == {
        items[0]: TOTAL - 30_000,
        **dict.fromkeys(items[1:], TOTAL),
    }


def test_nobody_with_a_mandate_is_told_by_letter(home: House, clock: HandClock) -> None:
    charge(home, date(2026, 7, 25), 1)
    (one,) = on(home, clock, "2026-09-04")
    assert (one.number, one.posted) == (1, ())


def test_who_has_paid_is_left_alone_also_by_a_run_for_an_earlier_day(
    home: House, sender: Sender, clock: HandClock
) -> None:
    for number, employer in enumerate((EMPLOYER, OTHER_EMPLOYER), 1):
        charge(home, date(2026, 7, 25), number, employer)
    pay(home, TOTAL, date(2026, 7, 20), OTHER_EMPLOYER)
    move(home, clock, datetime(2026, 9, 10, 12, tzinfo=UTC))
    pay(home, TOTAL - 100, date(2026, 9, 9))
    (one,) = recovery(home).run(date(2026, 9, 4))
    assert (one.step.employer, one.step.amount, one.step.last_day) == (EMPLOYER, 100, date(2026, 9, 21))
    pay(home, 100, date(2026, 9, 10))
    assert events(list(recovery(home).run(date(2026, 9, 10)))) == ["SETTLEMENT"]


def test_what_was_done_cannot_be_changed(home: House, sender: Sender, clock: HandClock) -> None:
    charge(home, date(2026, 7, 25), 1)
    on(home, clock, "2026-09-04")
    for statement in (
        "UPDATE recovery_event SET day = '2026-01-01'",
        "DELETE FROM recovery_event",
        "UPDATE recovery_amount SET amount = 1",
        "DELETE FROM recovery_amount",
    ):
        with pytest.raises(sa.exc.IntegrityError, match="only added to"):
            execute(home, statement)


def test_a_fine_is_imposed_opposed_and_decided(home: House, sender: Sender, clock: HandClock) -> None:
    """Imposed on 20 August: forty days end on 29 September, the last day to pay and to object."""
    done = fines(home).impose(EMPLOYER, 12_000, "list of May", Period(2026, 5))
    assert done.last_day == date(2026, 9, 29)
    with pytest.raises(NotDone, match="already"):
        fines(home).impose(EMPLOYER, 9_000, "list of May", None)
    with pytest.raises(NotDone, match="no opposition"):
        fines(home).decide(done.number, upheld=True, reference="B-1")
    assert events(on(home, clock, "2026-09-30")) == []
    for late in (date(2026, 9, 30), date(2026, 8, 19)):
        with pytest.raises(NotDone):
            fines(home).oppose(done.number, late, "O-1")
    fines(home).oppose(done.number, date(2026, 9, 29), "O-1")
    with pytest.raises(NotDone, match="opposed"):
        fines(home).oppose(done.number, date(2026, 9, 29), "O-2")
    assert events(on(home, clock, "2026-10-20")) == []
    fines(home).decide(done.number, upheld=False, reference="B-1")
    assert events(on(home, clock, "2026-10-21")) == ["REMINDER"]
    assert [(one.kind, one.amount) for one in told(home)] == [
        (Kind.FINE, 12_000),
        (Kind.CONFIRMATION, 12_000),
        (Kind.REMINDER, 12_000),
    ]
    fines(home).discharge(done.number, 2_000, "B-2")
    assert [one.stands for _, one in fines(home).known(EMPLOYER)] == [10_000]
    fines(home).discharge(done.number, None, "B-3")
    with pytest.raises(NotDone):
        fines(home).discharge(done.number, None, "B-4")
    assert events(on(home, clock, "2026-10-22")) == ["SETTLEMENT"]
    kinds = ("fine", "fine opposed", "fine decided", "fine lifted")
    assert len(journal(home, *kinds)) == 5


def test_an_opposition_that_is_upheld_lifts_the_fine(home: House, sender: Sender) -> None:
    done = fines(home).impose(EMPLOYER, 5_000, "F-1", None)
    pay(home, 5_000, date(2026, 8, 20))
    fines(home).oppose(done.number, date(2026, 8, 20), "O-1")
    fines(home).decide(done.number, upheld=True, reference="B-1")
    ((_, fine),) = fines(home).known(None)
    assert (fine.stands, fine.is_opposed) == (0, False)
    assert [one.kind for one in told(home)] == [Kind.FINE, Kind.DISCHARGE]
    with home.gateway.database.read() as connection:
        assert SqlLedger(connection).balances([EMPLOYER]) == {EMPLOYER: -5_000}


def test_the_proposal_of_a_late_entry_becomes_a_fine_once_and_by_order_only(
    home: House, sender: Sender, clock: HandClock
) -> None:
    """Due on 9 June, received on 20 August: two full months, EUR 100; notices go out on 1 September."""
    insured = someone()
    assert home.send(sender, "DECAFF", [entry(insured, Entry="2026-06-01")]).verdict == "accepted"
    wanted = (EMPLOYER, insured, DeadlineKind.ENTRY, "2026-06-01", None)
    with pytest.raises(NotDone, match="2026-09-01"):
        fines(home).impose_proposed(*wanted)
    on(home, clock, "2026-09-01")
    assert fines(home).known(None) == []
    with pytest.raises(NotDone, match="nothing is proposed"):
        fines(home).impose_proposed(EMPLOYER, insured, DeadlineKind.ENTRY, "2026-06-02", None)
    done = fines(home).impose_proposed(*wanted)
    assert done.amount == 10_000
    with pytest.raises(NotDone, match="already"):
        fines(home).impose_proposed(*wanted)
    (notice,) = told(home)
    (item,) = notice.items
    assert (notice.kind, item.period, item.reference) == (
        Kind.FINE,
        Period(2026, 6),
        f"entry 2026-06-01 {insured}",
    )
    on(home, clock, "2026-10-02")
    with pytest.raises(NotDone, match="missing"):  # the first notice can still be cured
        fines(home).impose_proposed(EMPLOYER, insured, DeadlineKind.WAGE, "2026-08", 5_000)


# Through the command, whose clock is that of the machine.


def run(home: House, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data", str(home.settings.data)])


def asked(home: House, *words: str) -> list[dict[str, object]]:
    done = run(home, *words, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    return found if isinstance(found, list) else [found]


def test_the_commands_of_recovery(home: House, sender: Sender) -> None:
    today = Received(datetime.now(UTC)).day
    for place in range(4):
        charge(home, today - timedelta(140 - 30 * place), place + 1)
    assert asked(home, "recovery", "list") == []
    (one,) = asked(home, "recovery", "run")
    assert (one["event"], one["proposal"], one["amount"]) == ("reminder", False, f"{4 * TOTAL // 100}.00")
    assert len(one["posted"]) == 1  # type: ignore[arg-type]
    assert {"reason", "basis", "what_to_do"} <= one.keys()
    assert asked(home, "recovery", "run", "--day", today.isoformat()) == []
    (case,) = asked(home, "recovery", "list")
    assert (case["state"], case["employer"]) == ("reminded", EMPLOYER)
    assert "Cases" in run(home, "recovery", "list").output
    refused = run(home, "recovery", "constrain", EMPLOYER, "--by", "legal office")
    assert (refused.exit_code, "no constraint" in refused.output) == (1, True)
    for words, status in (
        (("recovery", "run", "--day", str(today + timedelta(1))), 1),
        (("recovery", "run", "--day", str(today - timedelta(1))), 1),
        (("recovery", "run", "--day", "yesterday"), 2),
        (("recovery", "constrain", EMPLOYER, "--by", " "), 2),
        (("recovery", "constrain", "1", "--by", "office"), 2),
        (("recovery", "constrain", EMPLOYER), 2),
    ):
        assert run(home, *words).exit_code == status, words


def test_a_constraint_is_ordered_through_the_command(home: House, sender: Sender, clock: HandClock) -> None:
    """What was done before stands in the tables, as on days gone by."""
    today = Received(datetime.now(UTC)).day
    items = [charge(home, today - timedelta(200 - 30 * place), place + 1) for place in range(4)]
    for event, days, until in (("reminder", 60, 50), ("summons", 40, 9)):
        execute(
            home,
            'INSERT INTO recovery_event (employer, "case", event, day, interest, last_day, by, entered)'
            f" VALUES ('{EMPLOYER}', 1, '{event}', '{today - timedelta(days)}', 0,"
            f" '{today - timedelta(until)}', '', '{Received(START)}')",
            *(
                "INSERT INTO recovery_amount (event, item, amount)"
                f" VALUES ((SELECT max(number) FROM recovery_event), {item}, {TOTAL})"
                for item in items
            ),
        )
    (proposal,) = asked(home, "recovery", "run")
    assert (proposal["event"], proposal["proposal"], proposal["number"]) == ("constraint", True, None)
    assert run(home, "recovery", "run").exit_code == 0
    ordered = run(home, "recovery", "constrain", EMPLOYER, "--by", "legal office")
    assert (ordered.exit_code, "ordered by legal office" in ordered.output) == (0, True)
    (case,) = asked(home, "recovery", "list")
    assert (case["state"], case["to_recover"]) == ("constraint", f"{4 * TOTAL // 100}.00")
    assert asked(home, "recovery", "run") == []
    instalment = f"{today + timedelta(30)}={4 * TOTAL // 100}.00"
    granted = run(home, "plan", "add", EMPLOYER, "--instalment", instalment, "--granted-by", "board")
    assert "A bailiff has case 1" in granted.output.replace("\n", " ")
    assert [one["event"] for one in asked(home, "recovery", "run")] == ["suspension"]
    (case,) = asked(home, "recovery", "list")
    assert case["state"] == "stayed"


def test_the_commands_of_fines(home: House, sender: Sender) -> None:
    today = Received(datetime.now(UTC)).day.isoformat()
    (done,) = asked(
        home, "fine", "impose", EMPLOYER, "--amount", "50.00", "--reference", "F-1", "--period", "2026-05"
    )
    number = str(done["fine"])
    ref = ("--reference", "O-1")
    again = run(home, "fine", "impose", EMPLOYER, "--amount", "50.00", "--reference", "F-1")
    assert (again.exit_code, "already" in again.output) == (1, True)
    assert run(home, "fine", "oppose", number, "--received", today, *ref).exit_code == 0
    (listed,) = asked(home, "fine", "list", EMPLOYER)
    assert (listed["opposed"], listed["outcome"], listed["amount"]) == (today, None, "50.00")
    assert "Fines" in run(home, "fine", "list").output
    assert run(home, "fine", "decide", number, *ref).exit_code == 2
    assert run(home, "fine", "decide", number, "--rejected", *ref).exit_code == 0
    assert run(home, "fine", "discharge", number, "--amount", "60.00", *ref).exit_code == 1
    assert run(home, "fine", "discharge", number, "--amount", "20.00", *ref).exit_code == 0
    (listed,) = asked(home, "fine", "list")
    assert (listed["lifted"], listed["outcome"]) == ("20.00", "rejected")
    insured = someone()
    late = ("--insured", insured, "--kind", "entry")
    for words, status in (
        (("impose", EMPLOYER, "--amount", "50.00"), 2),
        (("impose", EMPLOYER, *late), 2),
        (("impose", EMPLOYER, *late, "--event", "2026-05-01"), 1),
        (("impose", EMPLOYER, *late, "--event", "2026-05-01", "--reference", "x"), 2),
        (("impose", EMPLOYER, "--amount", "-1.00", "--reference", "x"), 1),
        (("impose", EMPLOYER, "--amount", "1.00", "--reference", "x" * 141), 1),
        (("oppose", "1", "--received", today, *ref), 1),
        (("discharge", "99", *ref), 1),
    ):
        assert run(home, "fine", *words).exit_code == status, words
