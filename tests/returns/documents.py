"""Strategies for every document that goes back, within what the forms admit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from gateway.batch import Anomaly, Header, MemberId
from gateway.billing import (
    AccountStatement,
    BranchSum,
    Calculation,
    ChargedLine,
    InstitutionShare,
    InsuredResult,
    PolicyNote,
)
from gateway.moments import Period, Received
from gateway.outcome import Income, Verdict
from gateway.parameters import Branch
from gateway.registers import Address, MandateState
from gateway.rejections import REJECTIONS
from gateway.returns.ackrec import Receipt
from gateway.returns.acktrt import Acknowledgement, Decision
from gateway.returns.anomalies import explain
from gateway.returns.calcul import CalculationReturn
from gateway.returns.certif import Certificates, Certified
from gateway.returns.chapro import Counted, CountedEmployees, Stage
from gateway.returns.chgmat import Change, Changes
from gateway.returns.empass import NumberedEmployer, NumberedEmployers
from gateway.returns.extcpt import StatementReturn
from gateway.returns.fail import Failure
from gateway.returns.lisper import LastWage, Listed, StaffList
from gateway.returns.manass import SettledMandate, SettledMandates
from gateway.returns.matass import Assigned, Assignments
from gateway.returns.matuti import NumberedCompanies, NumberedCompany
from gateway.returns.rejected import RejectedRecord, RejectedRecords
from gateway.returns.salman import MissingWage, MissingWages
from gateway.wire import AnswerHeader, DepositReference, JournalEntry

# What XML can carry, line ends and tabs included.
CARRIED = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from(
    "\t\n\r"
)

seen = st.text(CARRIED, max_size=200)
matricules = st.integers(0, 10**13 - 1).map("{:013d}".format)
members = st.builds(MemberId, matricules, st.integers(0, 10**6 - 1).map("{:06d}".format))
environments = st.sampled_from(["production", "test"])
moments = st.datetimes(datetime(1000, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
seconds = moments.map(lambda at: at.replace(microsecond=0))
days = st.dates(date(1000, 1, 1), date(2999, 12, 31))
periods = st.builds(Period, st.integers(1000, 2999), st.integers(1, 12))
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
ordinals = st.integers(1, 10**18 - 1)
counts = st.integers(0, 10**12 - 1)
# Ten of them, and their sums, keep to the twelve digits of the forms.
cents = st.integers(-(10**9), 10**9)
words = st.text("019AZaz", min_size=1, max_size=20)
names = st.text("AEZ", min_size=1, max_size=20) | st.just("DE L'EXEMPLE-SPECIMEN")
references = st.none() | st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=";"), min_size=1, max_size=40
)
file_names = st.text(CARRIED, min_size=1, max_size=255)

deposits = st.builds(DepositReference, st.uuids().map(str), file_names, counts, hashes, moments.map(Received))
answer_headers = st.builds(AnswerHeader, members, environments, moments, st.none() | deposits)
acknowledgement_headers = st.builds(AnswerHeader, members, environments, moments, deposits)
journal = st.builds(JournalEntry, ordinals, hashes)

batch_headers = st.builds(
    Header,
    procedure=st.just("DECSAL"),
    version=st.just("1.0"),
    sender=members,
    recipient=st.just("CCSS"),
    environment=environments,
    created=seconds,
    software=st.none() | words,
    reference=references,
)

receipts = st.builds(Receipt, acknowledgement_headers, journal)

anomalies = st.lists(
    st.builds(
        Anomaly,
        code=st.sampled_from(sorted(REJECTIONS)),
        record=st.none() | ordinals,
        field=st.none() | seen,
        path=st.none() | st.text(CARRIED, max_size=1000),
        line=st.none() | ordinals,
        value=st.none() | seen,
    ),
    max_size=5,
).map(tuple)


decision_ids = st.builds("{}-{}".format, ordinals, st.integers(1, 10**9 - 1))
decisions = st.builds(Decision, matricules, ordinals, decision_ids)


@st.composite
def acknowledgements(draw: st.DrawFn) -> Acknowledgement:
    found = draw(anomalies)
    return Acknowledgement(
        header=draw(acknowledgement_headers),
        verdict=draw(st.sampled_from(Verdict)),
        records=draw(counts),
        accepted=draw(counts),
        rejected=draw(counts),
        held=draw(counts),
        decisions=tuple(draw(st.lists(decisions, max_size=3))),
        anomalies=found,
        explanations=explain(found),
        returns=tuple(draw(st.lists(file_names, max_size=3))),
        journal=draw(journal),
    )


@st.composite
def failures(draw: st.DrawFn) -> Failure:
    found = draw(anomalies.filter(bool))
    return Failure(draw(acknowledgement_headers), found, explain(found))


assignments = st.builds(
    Assignments,
    answer_headers,
    st.lists(
        st.builds(Assigned, ordinals, matricules, st.booleans(), matricules, names, names, days, references),
        max_size=4,
    ).map(tuple),
)

lines_of_text = st.text("019AZaz.&'", min_size=1, max_size=10)
addresses = st.builds(
    Address,
    number=lines_of_text,
    street=lines_of_text,
    postcode=st.text("019AZ", min_size=1, max_size=12),
    town=lines_of_text,
    country=st.text("AZ", min_size=2, max_size=2),
)
numbered_companies = st.builds(
    NumberedCompanies,
    answer_headers,
    st.lists(
        st.builds(
            NumberedCompany,
            ordinals,
            matricules,
            st.booleans(),
            matricules,
            lines_of_text,
            addresses,
            references,
        ),
        max_size=4,
    ).map(tuple),
)

numbered_employers = st.builds(
    NumberedEmployers,
    answer_headers,
    st.lists(st.builds(NumberedEmployer, ordinals, matricules, lines_of_text, references), max_size=4).map(
        tuple
    ),
)
settled_mandates = st.builds(
    SettledMandates,
    answer_headers,
    st.lists(
        st.builds(
            SettledMandate,
            ordinals,
            ordinals,
            st.sampled_from(MandateState),
            matricules,
            members,
            st.frozensets(st.text("ACDE", min_size=6, max_size=6), min_size=1, max_size=5),
            days,
            st.none() | days,
            st.none() | moments.map(Received),
            references,
        ),
        max_size=4,
    ).map(tuple),
)
not_negative = st.integers(0, 10**9)
incomes = st.builds(Income, periods, *[not_negative] * 5, counts) | st.builds(
    Income, periods, *[not_negative] * 5, counts, days, days
)
certificates = st.builds(
    Certificates,
    answer_headers,
    st.lists(
        st.builds(
            Certified,
            ordinals,
            st.sampled_from(["affiliation", "income"]),
            matricules,
            matricules,
            periods,
            periods,
            st.lists(st.tuples(days, st.none() | days), max_size=3).map(tuple),
            st.lists(incomes, max_size=3).map(tuple),
            references,
        ),
        max_size=4,
    ).map(tuple),
)


def rejected_records(fields: Sequence[str]) -> st.SearchStrategy[RejectedRecords]:
    codes = st.lists(st.sampled_from(["7", "99", "MANDATE-EMPLOYER"]), min_size=1, max_size=3, unique=True)
    present = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, seen)).map(
        lambda values: {name: values[name] for name in fields if name in values}
    )
    rejected = st.builds(RejectedRecord, ordinals, codes.map(tuple), present)
    return st.builds(RejectedRecords, answer_headers, st.lists(rejected, max_size=3).map(tuple))


person_names = st.none() | names
missing_wages = st.builds(
    MissingWages,
    answer_headers,
    st.lists(
        st.builds(MissingWage, matricules, matricules, periods, person_names, person_names, person_names),
        max_size=4,
    ).map(tuple),
)
last_wages = st.none() | st.builds(LastWage, periods, st.integers(0, 10**13), counts)
schemes = st.integers(0, 99).map("{:02d}".format)
contract_letters = st.text("AEIZ", min_size=1, max_size=1)
staff_lists = st.builds(
    StaffList,
    answer_headers,
    st.lists(
        st.builds(
            Listed,
            matricules,
            matricules,
            periods,
            days,
            st.none() | days,
            contract_letters,
            schemes,
            person_names,
            person_names,
            last_wages,
        ),
        max_size=4,
    ).map(tuple),
)
counted_employees = st.builds(
    CountedEmployees,
    answer_headers,
    st.integers(1000, 2999),
    st.sampled_from(Stage),
    days,
    st.lists(
        st.builds(Counted, matricules, matricules, days, contract_letters, person_names, person_names),
        max_size=4,
    ).map(tuple),
)
changes = st.builds(
    Changes,
    answer_headers,
    st.lists(st.builds(Change, matricules, matricules, matricules, days), max_size=4).map(tuple),
)

rates = st.decimals(Decimal(0), Decimal(99), places=6)
lines = st.builds(
    ChargedLine,
    branch=st.sampled_from(Branch),
    base=cents,
    rate=rates,
    employee=cents,
    employer=cents,
    institution=words,
    source=seen,
)
results = st.builds(InsuredResult, matricules, counts, cents, st.lists(lines, max_size=3).map(tuple))
calculations = st.builds(
    CalculationReturn,
    answer_headers,
    st.builds(Calculation, matricules, periods, words, periods, st.lists(results, max_size=3).map(tuple)),
)
statements = st.builds(
    StatementReturn,
    answer_headers,
    st.builds(
        AccountStatement,
        number=words,
        employer=matricules,
        name=st.text(CARRIED, min_size=1, max_size=255),
        period=periods,
        issued=days,
        due=days,
        previous_balance=cents,
        branches=st.lists(st.builds(BranchSum, st.sampled_from(Branch), cents, cents, cents), max_size=3).map(
            tuple
        ),
        distribution=st.lists(st.builds(InstitutionShare, words, cents), max_size=3).map(tuple),
        policy=st.builds(PolicyNote, words, words, words),
    ),
)
