"""Any simulation that could be answered, whose sums agree."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from gateway.billing.holds import Code, Hold
from gateway.billing.simulation import (
    Beside,
    BranchEffect,
    Effect,
    RefundEffect,
    Rules,
    Side,
    SimulatedLine,
    SimulatedMonth,
    SimulatedYear,
)
from gateway.contributions import (
    Allowance,
    Ceiling,
    Classification,
    Group,
    HealthService,
    Pay,
    Policy,
    Rounding,
    Sickness,
)
from gateway.outcome import Verdict
from gateway.parameters import Branch
from gateway.returns.acktrt import Part
from gateway.returns.anomalies import explain
from gateway.returns.simres import Simulated, Simulation
from tests.returns import documents

cents = documents.cents
paid = st.integers(0, 10**9)
besides = st.builds(Beside, cents, cents)

lines = st.builds(
    SimulatedLine,
    st.sampled_from(Branch),
    cents,
    st.integers(0, 10**6).map(lambda number: Decimal(number).scaleb(-7)),
    cents,
    cents,
    st.just("") | st.text(documents.CARRIED, min_size=1, max_size=200),
)


@st.composite
def months(draw: st.DrawFn) -> SimulatedMonth:
    """A month; one that stands in both computations is told without lines."""
    side = draw(st.sampled_from(Side))
    return SimulatedMonth(
        side=side,
        period=draw(documents.periods),
        group=draw(st.sampled_from(Group)),
        pay=Pay(*(draw(paid) for _ in range(5)), hours=Decimal(draw(st.integers(0, 999)))),
        affiliated=draw(st.integers(0, 4095)),
        stated=draw(st.booleans()),
        lines=() if side is Side.BOTH else tuple(draw(st.lists(lines, max_size=2))),
    )


years = st.builds(
    SimulatedYear,
    documents.matricules,
    st.integers(1000, 2999),
    st.builds(
        Classification,
        st.none() | st.integers(1, 4),
        st.integers(1, 999),
        st.booleans(),
        st.sampled_from(HealthService),
    ),
    st.lists(months(), max_size=2).map(tuple),
)


@st.composite
def effects(draw: st.DrawFn) -> Effect:
    """An effect whose branches and refunds differ by what is told of them."""
    employer = draw(documents.matricules)
    told = tuple(draw(st.lists(years, max_size=2)))
    refunded = draw(
        st.builds(RefundEffect, documents.matricules, documents.periods, besides).map(lambda one: (one,))
    )
    differences = dict.fromkeys(Branch, 0)
    for month in (month for year in told for month in year.months):
        for line in month.lines:
            differences[line.branch] += line.total if month.side is Side.WITH else -line.total
    branches = []
    for branch, difference in differences.items():
        without = draw(cents)
        branches.append(BranchEffect(branch, Beside(without, without + difference)))
    contributions, before, given_back = draw(besides), draw(cents), draw(cents)
    corrected = sum(differences.values()) - contributions.difference
    holds = st.builds(
        Hold,
        st.sampled_from(Code),
        st.just(employer),
        documents.periods,
        st.just("") | documents.matricules,
        st.just("") | documents.words,
    )
    return Effect(
        employer=employer,
        first=draw(st.none() | documents.periods),
        period=draw(documents.periods),
        branches=tuple(branches),
        contributions=contributions,
        corrections=Beside(before, before + corrected),
        refunds=Beside(given_back, given_back + sum(one.refunded.difference for one in refunded)),
        years=told,
        refunded=refunded,
        holds=tuple(draw(st.lists(holds, max_size=2))),
    )


policies = st.builds(
    Policy,
    st.sampled_from(Rounding),
    st.sampled_from(Sickness),
    st.sampled_from(Ceiling),
    st.sampled_from(Allowance),
)
rules = st.builds(
    Rules,
    documents.words,
    documents.days,
    policies,
    st.lists(st.tuples(documents.periods, documents.words), max_size=2).map(tuple),
)
parts = st.builds(Part, st.sampled_from(["DECSAL", "DECAFF"]), *[documents.counts] * 4)


@st.composite
def _simulations(draw: st.DrawFn) -> Simulation:
    header = draw(documents.answer_headers.filter(lambda one: one.deposit is None))
    found = draw(documents.anomalies)
    return Simulation(
        header=header,
        file=Simulated(
            draw(documents.file_names),
            draw(documents.counts),
            draw(documents.hashes),
            draw(documents.moments),
        ),
        verdict=draw(st.sampled_from(Verdict)),
        records=draw(documents.counts),
        accepted=draw(documents.counts),
        rejected=draw(documents.counts),
        held=draw(documents.counts),
        parts=tuple(draw(st.lists(parts, max_size=2))),
        anomalies=found,
        explanations=explain(found),
        rules=draw(st.none() | rules),
        effects=tuple(draw(st.lists(effects(), max_size=2))),
        untold=tuple(draw(st.lists(documents.matricules, max_size=2))),
        journal=draw(documents.journal),
    )


simulations = _simulations()
