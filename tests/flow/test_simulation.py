"""Simulations: the same as sending, without any effect, and to be computed again to the cent."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.billing import BillingRun, Issued
from adapters.database.registers.employers import SqlEmployers
from adapters.premises import payee_of
from adapters.simulation import (
    MOST_RECORDS,
    PER_MINUTE,
    WAITING_AT_ONCE,
    NotNow,
    NotSimulated,
    Simulations,
)
from gateway import wire
from gateway.batch import Header, MemberId
from gateway.billing.simulation import Side, SimulatedMonth, SimulatedYear, reproduce
from gateway.client.seals import GOOD, seal_verdict
from gateway.matricule import is_employer
from gateway.moments import Period, Received
from gateway.names import Extension
from gateway.procedures import PAYROLL, procedure
from gateway.returns import acktrt, simres
from inbox.receive import TooLarge
from tests.flow.premises import HandClock, move, rows, someone
from tests.house import (
    EMPLOYER,
    FOREIGN_EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    House,
    Sender,
    entry,
    person,
    wage,
    wait_for,
)
from xsd import catalogue

MAY, JUNE, JULY = Period(2026, 5), Period(2026, 6), Period(2026, 7)


def _employers() -> Iterator[str]:
    numbers = (f"20999905{n:02d}{digit}99" for n in range(100) for digit in range(10))
    return (number for number in numbers if is_employer(number))


_free = _employers()


@pytest.fixture
def employer(home: House, sender: Sender) -> str:
    """An employer for whom nothing was declared yet, and for whom the sender may do everything."""
    matricule = next(_free)
    home.employer(matricule)
    codes = ["DECSAL", "DECAFF", "DECMAL", "CALCUL"]
    at = Received(home.clock())
    home.gateway.members.grant(sender.member, matricule, codes, first=date(2026, 1, 1), last=None, at=at)
    return matricule


def affiliated(home: House, employer: str, count: int) -> Sequence[str]:
    people = [someone() for _ in range(count)]
    home.affiliate(*people, employer=employer)
    return people


def simulate(home: House, sender: Sender, name: str, content: bytes) -> simres.Simulation:
    """What the gateway answers, once it was seen that it has its form, our seal, and adds up."""
    answer = home.gateway.simulations.simulate(sender.member, name, content)
    assert seal_verdict(answer, home.seals) == GOOD
    root = etree.fromstring(answer)
    catalogue().form(simres.CODE, "1.0", date(2026, 8, 1)).validate(root)
    document = simres.read(root)
    assert document.header.recipient == sender.member
    assert document.header.deposit is None
    return document


def bill(home: House, *periods: Period) -> list[Issued]:
    gateway = home.gateway
    run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings))
    return [one for period in periods for one in run.run(period) if isinstance(one, Issued)]


def dump(home: House) -> tuple[list[str], Counter[str]]:
    """The whole database but journal and change log, and the entries of the journal by event."""
    with home.gateway.database.read() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        evidence = ('INSERT INTO "journal', 'INSERT INTO "change"')
        lines = [line for line in raw.iterdump() if not line.startswith(evidence)]
        events = connection.exec_driver_sql("SELECT event FROM journal").scalars()
        return lines, Counter(events)


def told(
    document: simres.Simulation | acktrt.Acknowledgement,
) -> tuple[object, ...]:
    """What an acknowledgement and a simulation have in common."""
    return (
        document.verdict,
        (document.records, document.accepted, document.rejected, document.held),
        document.parts,
        document.anomalies,
        document.explanations,
    )


def payroll(home: House, sender: Sender, records: Mapping[str, Sequence[Mapping[str, str]]]) -> bytes:
    header = Header(PAYROLL, "1.0", sender.member, "CCSS", home.settings.environment, home.clock())
    root = wire.write_batch(header, "", [])
    for code, given_ones in records.items():
        for one in given_ones:
            wire.fill(wire.add(root, procedure(code).record), one.items())
    return sender.signer.sign(root, home.clock())


def container(home: House, sender: Sender, text: str) -> tuple[str, bytes]:
    content = sender.signer.sign_container({"DECSAL.dta": text.encode()}, home.clock())
    return home.name("DECSAL", sender.member, Extension.ASICE), content


def batches(home: House, sender: Sender) -> Iterator[tuple[str, bytes]]:
    """Good and bad files of many kinds, by name."""
    insured, unknown = someone(), someone()
    home.affiliate(insured)
    good = wage(insured)
    yield home.signed(sender, "DECSAL", [good, wage(unknown), wage(insured, Period="2026-06")])
    yield home.signed(sender, "DECSAL", [good, good, wage("1893120105731"), wage(insured, WorkHours="800")])
    yield home.signed(sender, "DECSAL", [wage(insured, OTHER_EMPLOYER), wage(insured, FOREIGN_EMPLOYER)])
    yield home.signed(sender, "DECAFF", [entry(unknown), entry(insured, Kind="exit", Exit="2026-07-31")])
    yield home.signed(sender, "DEMMAT", [person(), person(BirthDate="1891-02-30")])
    yield home.signed(sender, "DECSAL", [])
    name, content = home.signed(sender, "DECSAL", [good])
    yield name, content.replace(b"3812.40", b"9812.40")
    yield "wages.xml", content
    yield home.name("DECSAL", sender.member), b"no XML at all"
    yield home.name("DECAFF", sender.member), home.batch(sender, "DECSAL", [good])
    first = f"0;{EMPLOYER};100001\r\n"
    line = f"1;{EMPLOYER};{insured};202607;{{}};173;0;0;0;0;0;0;0;01;31;N;;;;\r\n"
    yield container(home, sender, first + line.format("3812,40"))
    yield container(home, sender, first + line.format("x"))
    yield container(home, sender, first)
    records = {"DECAFF": [entry(unknown)], "DECSAL": [wage(unknown), wage(insured, BaseWage="-1.00")]}
    yield home.name(PAYROLL, sender.member), payroll(home, sender, records)


def test_a_simulation_says_what_sending_says_and_leaves_nothing(home: House, sender: Sender) -> None:
    verdicts = set()
    for name, content in batches(home, sender):
        (before, events), files = dump(home), sorted(home.gateway.spool.ids())
        document = simulate(home, sender, name, content)
        (after, more), kept = dump(home), sorted(home.gateway.spool.ids())
        assert (after, kept, list(home.gateway.spool.incoming.iterdir())) == (before, files, [])
        assert more - events == Counter(["simulated"])
        (line,) = rows(home, "SELECT * FROM journal ORDER BY sequence DESC LIMIT 1")
        assert (line["member"], line["digest"]) == (str(sender.member), document.file.digest)
        assert (line["sequence"], line["hash"]) == (document.journal.sequence, document.journal.hash)
        outcome = home.outcome(sender, home.receive(sender, name, content).deposit)
        assert told(document) == told(outcome.acknowledgement)
        verdicts.add(document.verdict.value)
        again = home.receive(sender, name, content)
        assert again.repeated
        with pytest.raises(NotSimulated, match=again.deposit):
            home.gateway.simulations.simulate(sender.member, name, content)
    assert verdicts == {"accepted", "partial", "rejected"}
    assert home.findings() == ()


fields = st.fixed_dictionaries(
    {},
    optional={
        "BaseWage": st.sampled_from(["0.01", "2703.74", "15000.00", "-1.00", "99999999.99", "x", ""]),
        "WorkHours": st.sampled_from(["0", "40", "173", "744", "745"]),
        "Period": st.sampled_from(["2026-06", "2026-07", "2026-09", "2026-13"]),
        "Employer": st.sampled_from([EMPLOYER, OTHER_EMPLOYER, "2099990001298"]),
    },
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(fields, min_size=1, max_size=6))
def test_whatever_is_in_a_batch_both_say_the_same(
    home: House, sender: Sender, changes: list[dict[str, str]]
) -> None:
    people = affiliated(home, EMPLOYER, len(changes))
    records = [{**wage(one), **change} for one, change in zip(people, changes, strict=True)]
    name, content = home.signed(sender, "DECSAL", records)
    document = simulate(home, sender, name, content)
    outcome = home.outcome(sender, home.receive(sender, name, content).deposit)
    assert told(document) == told(outcome.acknowledgement)


def stated(home: House, employer: str) -> dict[str, tuple[int, int, int]]:
    """What the statements of an employer charge, correct and refund, by month."""
    found = rows(home, "SELECT * FROM statement WHERE employer = :employer", employer=employer)
    return {one["period"]: (one["contributions"], one["corrected"], one["refunded"]) for one in found}


def declare(home: House, sender: Sender, *records: Mapping[str, str]) -> None:
    assert home.send(sender, "DECSAL", records).verdict == "accepted"


def test_a_first_month_costs_what_is_foreseen(home: House, sender: Sender, employer: str) -> None:
    people = affiliated(home, employer, 4)
    declare(home, sender, wage(people[0], employer))
    records = [
        wage(people[0], employer, BaseWage="3900.00"),
        wage(people[1], employer),
        wage(people[2], employer, BaseWage="20000.00", Gratuities="5000.00"),
        wage(people[3], employer, BaseWage="100.00", WorkHours="20"),
    ]
    name, content = home.signed(sender, "DECSAL", records)
    document = simulate(home, sender, name, content)
    (effect,) = document.effects
    assert (effect.employer, effect.first, effect.period) == (employer, None, JULY)
    assert [one.insured for one in effect.years] == sorted(people)
    home.outcome(sender, home.receive(sender, name, content).deposit)
    (issued,) = (one for one in bill(home, JULY) if one.employer == employer)
    assert issued.total == effect.total.with_it == effect.contributions.with_it
    assert effect.corrections == effect.refunds == (0, 0)
    assert stated(home, employer) == {"2026-07": (issued.total, 0, 0)}
    charged = rows(home, "SELECT * FROM charge WHERE employer = :employer", employer=employer)
    for branch in effect.branches:
        shares = sum(row[f"{branch.branch}_employee"] + row[f"{branch.branch}_employer"] for row in charged)
        assert branch.charged.with_it == shares
    assert document.rules is not None
    assert list(reproduce(document.effects, document.rules)) == []


def test_corrections_and_unbilled_months_come_as_foreseen(home: House, sender: Sender, employer: str) -> None:
    """May is billed, June is not; the batch corrects May, adds to June, declares July above the ceiling."""
    people = affiliated(home, employer, 3)
    for period in ("2026-05", "2026-06"):
        declare(home, sender, *(wage(one, employer, Period=period) for one in people[:2]))
    bill(home, MAY)
    records = [
        wage(people[0], employer, Period="2026-05", BaseWage="15000.00"),
        wage(people[2], employer, Period="2026-06"),
        wage(people[0], employer, BaseWage="16000.00"),
        wage(people[1], employer),
    ]
    name, content = home.signed(sender, "DECSAL", records)
    document = simulate(home, sender, name, content)
    (effect,) = document.effects
    assert (effect.first, effect.period) == (JUNE, JULY)
    (one,) = (each for each in effect.years if each.insured == people[0])
    assert [(month.period, month.side, month.stated) for month in one.months if month.lines] == [
        (MAY, Side.WITHOUT, True),
        (MAY, Side.WITH, False),
        (JULY, Side.WITH, False),
    ]
    assert [month.period for month in one.months if not month.lines] == [JUNE]
    home.outcome(sender, home.receive(sender, name, content).deposit)
    bill(home, JUNE, JULY)
    found = stated(home, employer)
    assert effect.contributions.with_it == found["2026-07"][0]
    rest = found["2026-06"][0] + found["2026-06"][1] + found["2026-07"][1]
    assert (effect.contributions.without, effect.corrections.with_it) == (0, rest)
    assert effect.contributions.difference + effect.corrections.difference == effect.total.difference
    assert document.rules is not None
    assert list(reproduce(document.effects, document.rules)) == []


amounts = st.sampled_from(["100.00", "2703.74", "3812.40", "13000.00", "16000.00", "30000.00"])
declared = st.dictionaries(
    st.tuples(st.integers(0, 2), st.sampled_from(["2026-05", "2026-06", "2026-07"])), amounts, min_size=1
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=declared, second=declared)
def test_whatever_a_batch_changes_is_foreseen(
    home: House, sender: Sender, first: dict[tuple[int, str], str], second: dict[tuple[int, str], str]
) -> None:
    """Two batches over three months and three people; May is billed between them."""
    matricule = next(_free)
    home.employer(matricule)
    at, codes = Received(home.clock()), ["DECSAL", "CALCUL"]
    home.gateway.members.grant(sender.member, matricule, codes, first=date(2026, 1, 1), last=None, at=at)
    people = affiliated(home, matricule, 3)
    before, after = (
        [wage(people[who], matricule, Period=month, BaseWage=one) for (who, month), one in each.items()]
        for each in (first, second)
    )
    declare(home, sender, *before)
    bill(home, MAY)
    billed = stated(home, matricule)
    name, content = home.signed(sender, "DECSAL", after)
    document = simulate(home, sender, name, content)
    (effect,) = document.effects
    assert document.rules is not None
    assert list(reproduce(document.effects, document.rules)) == []
    assert home.outcome(sender, home.receive(sender, name, content).deposit).verdict == "accepted"
    bill(home, *([] if billed else [MAY]), JUNE, JULY)
    found = {
        month: sums
        for month, sums in stated(home, matricule).items()
        if month not in billed and month <= str(effect.period)
    }
    last = found.get(str(effect.period), (0, 0, 0))[0]
    assert effect.contributions.with_it == last
    assert effect.total.with_it == sum(charged + corrected for charged, corrected, _ in found.values())


def test_what_is_not_sent_is_charged_as_without(home: House, sender: Sender, employer: str) -> None:
    (insured,) = affiliated(home, employer, 1)
    declare(home, sender, wage(insured, employer, Period="2026-06"), wage(insured, employer))
    name, content = home.signed(sender, "DECSAL", [wage(insured, employer, BaseWage="9000.00")])
    (effect,) = simulate(home, sender, name, content).effects
    bill(home, JUNE, JULY)
    found = stated(home, employer)
    assert effect.contributions.without == found["2026-07"][0]
    assert effect.corrections.without == found["2026-06"][0]


def test_an_entry_releases_a_wage_and_refunds_are_foreseen(
    home: House, sender: Sender, employer: str
) -> None:
    insured, newcomer = *affiliated(home, employer, 1), someone()
    declare(home, sender, wage(insured, employer), wage(newcomer, employer))
    name, content = home.signed(sender, "DECAFF", [entry(newcomer, employer)])
    entered = simulate(home, sender, name, content)
    assert [one.insured for one in entered.effects[0].years] == [newcomer]
    home.outcome(sender, home.receive(sender, name, content).deposit)
    absence = {
        "Kind": "declaration",
        "Employer": employer,
        "Insured": insured,
        "Period": "2026-07",
        "IncapacityType": "1",
        "Start": "2026-07-06",
        "End": "2026-07-10",
        "Hours": "40",
    }
    name, content = home.signed(sender, "DECMAL", [absence])
    document = simulate(home, sender, name, content)
    (effect,) = document.effects
    assert document.verdict.value == "accepted"
    assert effect.years == ()
    assert [(one.insured, one.period) for one in effect.refunded] == [(insured, JULY)]
    assert effect.total.difference == -effect.refunds.with_it < 0
    home.outcome(sender, home.receive(sender, name, content).deposit)
    bill(home, JULY)
    assert stated(home, employer)["2026-07"] == (
        effect.contributions.with_it,
        effect.corrections.with_it,
        effect.refunds.with_it,
    )
    assert effect.contributions.without == entered.effects[0].contributions.with_it


def test_amounts_are_told_by_the_right_to_invoices_alone(home: House, sender: Sender) -> None:
    shown, hidden, foreign = (next(_free) for _ in range(3))
    for matricule, codes in ((shown, ["DECSAL", "CALCUL"]), (hidden, ["DECSAL"]), (foreign, ["CALCUL"])):
        home.employer(matricule)
        at = Received(home.clock())
        home.gateway.members.grant(sender.member, matricule, codes, first=date(2026, 1, 1), last=None, at=at)
    records = [wage(affiliated(home, one, 1)[0], one) for one in (shown, hidden, foreign)]
    document = simulate(home, sender, *home.signed(sender, "DECSAL", records))
    assert (document.accepted, document.rejected) == (2, 1)
    assert [one.code for one in document.anomalies] == ["MANDATE-EMPLOYER"]
    assert [one.employer for one in document.effects] == [shown]
    assert document.untold == (hidden,)


def test_what_cannot_be_computed_is_named(home: House, sender: Sender) -> None:
    matricule = next(_free)
    home.gateway.members.enter_employer(matricule, name="Without class", years={})
    at, codes = Received(home.clock()), ["DECSAL", "CALCUL"]
    home.gateway.members.grant(sender.member, matricule, codes, first=date(2026, 1, 1), last=None, at=at)
    with home.gateway.database.read() as connection:
        assert not SqlEmployers(connection).get([matricule], 2026)
    records = [wage(affiliated(home, matricule, 1)[0], matricule)]
    (effect,) = simulate(home, sender, *home.signed(sender, "DECSAL", records)).effects
    assert [hold.code for hold in effect.holds] == ["BILL-CLASS"]
    assert (effect.years, effect.total) == ((), (0, 0))


def test_a_changed_amount_is_found_when_it_is_computed_again(
    home: House, sender: Sender, employer: str
) -> None:
    (insured,) = affiliated(home, employer, 1)
    records = [wage(insured, employer)]
    document = simulate(home, sender, *home.signed(sender, "DECSAL", records))
    assert document.rules is not None
    (effect,) = document.effects
    (year,) = effect.years
    (month,) = year.months
    line = replace(month.lines[0], employee=month.lines[0].employee + 1)
    forged = replace(month, lines=(line, *month.lines[1:]))
    found = list(reproduce([replace(effect, years=(with_months(year, forged),))], document.rules))
    assert [(one.insured, one.period, one.what) for one in found] == [(insured, JULY, "care")]
    poorer = replace(month, pay=replace(month.pay, base_wage=month.pay.base_wage - 100))
    found = list(reproduce([replace(effect, years=(with_months(year, poorer),))], document.rules))
    assert {one.what for one in found} >= {"care", "cash", "pension"}
    other_law = replace(document.rules, months=((JULY, "000000000000"),))
    assert [one.what for one in reproduce(document.effects, other_law)] == ["law"]
    policy = replace(document.rules.policy, rounding=type(document.rules.policy.rounding)("line"))
    changed = [one.what for one in reproduce(document.effects, replace(document.rules, policy=policy))]
    assert "law" not in changed


def with_months(year: SimulatedYear, *months: SimulatedMonth) -> SimulatedYear:
    return replace(year, months=months)


def limited(home: House, tick: list[float], largest: int = 10_000) -> Simulations:
    made = home.gateway.simulations
    return Simulations(
        home.gateway.database,
        made._treatment,
        made._desk,
        home.gateway.seal,
        home.clock,
        largest=largest,
        tick=lambda: tick[0],
    )


def test_a_member_may_ask_so_often_and_others_still_may(home: House, sender: Sender, other: Sender) -> None:
    tick = [100.0]
    simulations = limited(home, tick)
    for _ in range(PER_MINUTE):
        with simulations.admission(sender.member):
            tick[0] += 1.0
    with pytest.raises(NotNow) as refused, simulations.admission(sender.member):
        pass
    assert refused.value.seconds == 51
    with simulations.admission(other.member):
        pass
    tick[0] += 51.0
    with simulations.admission(sender.member):
        pass


def test_so_many_wait_at_once_and_no_more(home: House) -> None:
    simulations = limited(home, [0.0])
    members = [MemberId(EMPLOYER, f"{number:06d}") for number in range(WAITING_AT_ONCE + 1)]
    opened = [simulations.admission(one) for one in members]
    for one in opened[:-1]:
        one.__enter__()
    with pytest.raises(NotNow):
        opened[-1].__enter__()
    for one in opened[:-1]:
        one.__exit__(None, None, None)
    with simulations.admission(MEMBER), simulations.admission(MEMBER):
        with pytest.raises(NotNow), simulations.admission(MEMBER):
            pass
        with simulations.admission(members[0]):
            pass
    with simulations.admission(members[-1]):
        pass


def test_what_is_too_large_is_not_tried(home: House, sender: Sender) -> None:
    simulations = limited(home, [0.0], largest=100)
    with pytest.raises(TooLarge):
        simulations.simulate(MEMBER, "x", b" " * 101)
    insured = someone()
    name, content = home.signed(sender, "DECSAL", [wage(insured)] * (MOST_RECORDS + 1))
    with pytest.raises(NotSimulated, match=str(MOST_RECORDS)):
        home.gateway.simulations.simulate(sender.member, name, content)


def test_deposits_that_come_meanwhile_are_treated(home: House, sender: Sender, employer: str) -> None:
    people = affiliated(home, employer, 30)
    told_ones: list[object] = []

    def keep_trying() -> None:
        for one in people[:6]:
            name, content = home.signed(sender, "DECSAL", [wage(one, employer, BaseWage="4000.00")])
            try:
                told_ones.append(home.gateway.simulations.simulate(sender.member, name, content))
            except NotNow as later:
                told_ones.append(later)

    threads = [threading.Thread(target=keep_trying) for _ in range(2)]
    for thread in threads:
        thread.start()
    receipts = [
        home.receive(sender, *home.signed(sender, "DECSAL", [wage(one, employer)])).deposit for one in people
    ]
    for deposit in receipts:
        assert home.outcome(sender, deposit).verdict == "accepted"
    for thread in threads:
        thread.join()
    assert len(told_ones) == 12
    found = rows(home, "SELECT base_wage FROM wage WHERE employer = :employer", employer=employer)
    assert [one["base_wage"] for one in found] == [381240] * 30


def test_a_simulation_waits_for_the_deposits_before_it(home: House, sender: Sender, clock: HandClock) -> None:
    move(home, clock, datetime(2026, 8, 21, 9, 0, tzinfo=UTC))
    insured = someone()
    home.affiliate(insured)
    receipt = home.receive(sender, *home.signed(sender, "DECSAL", [wage(insured, BaseWage="5000.00")]))
    document = simulate(home, sender, *home.signed(sender, "DECSAL", [wage(insured, BaseWage="6000.00")]))
    assert home.treated(sender, receipt.deposit)
    (year,) = (one for one in document.effects[0].years if one.insured == insured)
    pays = {month.side: month.pay.base_wage for month in year.months if month.lines}
    assert pays == {Side.WITHOUT: 500_000, Side.WITH: 600_000}
    wait_for(lambda: home.treated(sender, receipt.deposit))


def test_nothing_of_a_large_simulation_is_left_on_the_disk(home: House, sender: Sender) -> None:
    """What is rolled back would lie there in the clear, if it had not fitted the cache."""
    people = affiliated(home, EMPLOYER, 1)
    records = [wage(people[0], Reference=f"SENTINEL{number:05d}{'X' * 26}") for number in range(3000)]
    simulate(home, sender, *home.signed(sender, "DECSAL", records))
    for file in home.settings.data.glob("secugate.sqlite*"):
        assert b"SENTINEL" not in file.read_bytes()
