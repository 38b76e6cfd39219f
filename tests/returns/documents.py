"""Strategies for every document that goes back, within what the forms admit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from gateway.batch import Anomaly, Header, MemberId
from gateway.billing import (
    AccountStatement,
    Booking,
    BranchSum,
    Calculation,
    Cause,
    ChargedLine,
    CorrectedMonth,
    Declared,
    InstitutionShare,
    InsuredResult,
    Movement,
    Payee,
    PolicyNote,
    Recalculation,
    RefundChange,
    RefundedMonth,
    Terms,
    differences,
)
from gateway.billing.annual import AnnualStatement, ChargedMonth, EmployerYear, Open, Span
from gateway.billing.annual import Reason as OpenReason
from gateway.billing.differences import ComparedLine, Comparison, Reconciliation, Side
from gateway.billing.holds import Code
from gateway.billing.over_ceiling import Above, OverCeiling, Part
from gateway.billing.over_ceiling import Stage as CeilingStage
from gateway.contributions import Group, Pay
from gateway.deadlines import Kind
from gateway.ledger.entries import EntryKind
from gateway.moments import Period, Received
from gateway.mutuality import Ground, LeftOut, Reason, Refund, RefundPart
from gateway.outcome import Income, Verdict
from gateway.parameters import Branch
from gateway.recovery import words as recovery_words
from gateway.registers import Address, InsuredMonth, MandateState
from gateway.rejections import REJECTIONS
from gateway.returns.ackrec import Receipt
from gateway.returns.acktrt import Acknowledgement, Decision
from gateway.returns.annuel import AnnualStatementReturn
from gateway.returns.anomalies import explain
from gateway.returns.avicle import Event as KeyEvent
from gateway.returns.avicle import KeyNews
from gateway.returns.calcul import CalculationReturn
from gateway.returns.calend import Calendar, Deadline, Interruption
from gateway.returns.certif import Certificates, Certified
from gateway.returns.chapro import Counted, CountedEmployees, Stage
from gateway.returns.chgmat import Change, Changes
from gateway.returns.depmax import OverCeilingReturn
from gateway.returns.difcal import Differences
from gateway.returns.empass import NumberedEmployer, NumberedEmployers
from gateway.returns.extcpt import StatementReturn
from gateway.returns.fail import Failure
from gateway.returns.jouhed import Head
from gateway.returns.lisper import LastWage, Listed, StaffList
from gateway.returns.manass import SettledMandate, SettledMandates
from gateway.returns.matass import Assigned, Assignments
from gateway.returns.matuti import NumberedCompanies, NumberedCompany
from gateway.returns.recouv import Item, Notice
from gateway.returns.rejected import RejectedRecord, RejectedRecords
from gateway.returns.salman import MissingWage, MissingWages
from gateway.wire import AnswerHeader, DepositReference, InsuredHeader, JournalEntry

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
heads = st.builds(Head, environments, seconds, journal)

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
decisions = st.builds(
    Decision,
    matricules,
    st.sampled_from(["DECSAL", "DECAFF"]),
    st.integers(0, 10**12 - 1),
    st.none() | ordinals,
    decision_ids,
)


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

moments = st.integers(0, 4 * 10**9).map(lambda second: Received(datetime.fromtimestamp(second, UTC)))
fingerprints = st.from_regex(r"[0-9a-f]{64}|SHA256:[A-Za-z0-9+/]{43}", fullmatch=True)
key_news = st.builds(
    KeyNews,
    answer_headers,
    st.sampled_from(KeyEvent),
    fingerprints,
    st.none() | moments,
    st.none() | fingerprints,
    st.none() | moments,
)
calendars = st.builds(
    Calendar,
    answer_headers,
    periods | st.builds(Interruption, moments, moments, words),
    st.lists(
        st.builds(
            Deadline,
            st.sampled_from([kind for kind in Kind if kind not in (Kind.HOLD, Kind.OPPOSITION)]),
            periods | days,
            days,
            st.integers(1, 24),
            moments,
            st.none() | days,
        ),
        max_size=4,
    ).map(tuple),
)

rates = st.decimals(Decimal(0), Decimal(99), places=6)
branches = st.sampled_from(Branch)
markup = st.text(CARRIED | st.sampled_from("&<>\"'\r"), max_size=200)
"""Of what we write; empty where there is nothing to tell."""
hours = st.integers(1 - 10**12, 10**12 - 1)
chosen = st.builds("{}+{}-{}".format, words, words, words)
causes = st.sets(st.sampled_from(Cause)).map(lambda found: tuple(cause for cause in Cause if cause in found))
lines = st.builds(
    ChargedLine,
    branch=branches,
    base=cents,
    rate=rates,
    employee=cents,
    employer=cents,
    institution=words,
    source=markup,
    formula=markup,
)
results = st.builds(
    InsuredResult,
    insured=matricules,
    group=st.sampled_from(Group),
    hours=hours,
    pay=cents,
    lines=st.lists(lines, max_size=3).map(tuple),
    declared=st.lists(st.builds(Declared, st.uuids().map(str), hashes, ordinals), max_size=2).map(tuple),
)
absence_kinds = st.integers(0, 9).map(str)
refund_parts = st.builds(
    RefundPart,
    kind=absence_kinds,
    first=days,
    last=days,
    hours=hours,
    ground=st.sampled_from(Ground),
    rate=rates,
    pay_continued=cents,
    pay_refund=cents,
    shares=st.dictionaries(branches, cents, max_size=3),
    days_counted=counts,
    formula=markup,
    source=markup,
    doubtful=st.booleans(),
)
left_out = st.builds(LeftOut, absence_kinds, days, days, counts, st.sampled_from(Reason), markup.filter(bool))


@st.composite
def recalculations(draw: st.DrawFn) -> Recalculation:
    insured = draw(matricules)
    mine = st.none() | results.map(lambda result: replace(result, insured=insured))
    some = causes.filter(bool)
    return Recalculation(draw(periods), insured, draw(ordinals), draw(some), draw(mine), draw(mine))


@st.composite
def refund_changes(draw: st.DrawFn, employer: str) -> RefundChange:
    month = InsuredMonth(employer, draw(matricules), draw(periods))
    parts, left = (st.lists(one, max_size=2).map(tuple) for one in (refund_parts, left_out))
    mine = st.none() | st.builds(Refund, st.just(month), parts, left, chosen, chosen)
    first = (month.period, month.insured, draw(ordinals), draw(causes))
    return RefundChange(*first, draw(mine), draw(mine))


@st.composite
def calculated(draw: st.DrawFn) -> Calculation:
    employer = draw(matricules)
    return Calculation(
        employer=employer,
        period=draw(periods),
        statement=draw(words),
        computed_in=draw(periods),
        insured=tuple(draw(st.lists(results, max_size=2))),
        corrections=tuple(draw(st.lists(recalculations(), max_size=2))),
        refunds=tuple(draw(st.lists(refund_changes(employer), max_size=2))),
    )


calculations = st.builds(CalculationReturn, answer_headers, calculated())

branch_sums = st.lists(st.builds(BranchSum, branches, cents, cents, cents), max_size=3).map(tuple)
movements = st.builds(Booking, days, st.sampled_from(Movement), cents, st.text(CARRIED, max_size=140))
corrected_months = st.builds(CorrectedMonth, periods, counts, causes.filter(bool), branch_sums)
refunded_months = st.builds(RefundedMonth, periods, counts, cents)
account_statements = st.builds(
    AccountStatement,
    number=words,
    employer=matricules,
    name=st.text(CARRIED, min_size=1, max_size=255),
    period=periods,
    issued=days,
    due=days,
    previous_balance=cents,
    bookings=st.lists(movements, max_size=3).map(tuple),
    branches=branch_sums,
    corrections=st.lists(corrected_months, max_size=2).map(tuple),
    refunds=st.lists(refunded_months, max_size=2).map(tuple),
    distribution=st.lists(st.builds(InstitutionShare, words, cents), max_size=3).map(tuple),
    policy=st.builds(PolicyNote, words, days, chosen),
    payee=st.builds(
        Payee,
        lines_of_text,
        st.integers(0, 10**18 - 1).map("LU{:018d}".format),
        st.sampled_from(["CELLLULL", "BCEELULLXXX"]),
    ),
    terms=st.sampled_from(Terms),
    instalment=st.none() | not_negative,
)


def distributed(statement: AccountStatement) -> AccountStatement:
    """The same, with one more institution that receives what the others leave of the charge."""
    left = statement.charged - sum(share.amount for share in statement.distribution)
    return replace(statement, distribution=(*statement.distribution, InstitutionShare("CNS", left)))


statements = st.builds(StatementReturn, answer_headers, account_statements.map(distributed))


@st.composite
def compared_lines(draw: st.DrawFn) -> ComparedLine:
    """A share on both sides; a reason where they differ, and only there."""
    own, billed = draw(cents), draw(cents)
    return ComparedLine(
        insured=draw(matricules),
        group=draw(st.none() | st.sampled_from(Group)),
        branch=draw(st.none() | st.sampled_from(Branch)),
        side=draw(st.sampled_from(Side)),
        own=own,
        billed=billed,
        reason=None if own == billed else draw(st.sampled_from(differences.Reason)),
        numbers="" if own == billed else draw(words | st.just("")),
    )


recovery_notices = st.builds(
    Notice,
    answer_headers,
    number=ordinals,
    kind=st.sampled_from(recovery_words.Kind),
    employer=matricules,
    day=days,
    items=st.lists(
        st.builds(
            Item,
            entry=ordinals,
            kind=st.sampled_from(
                [EntryKind.CONTRIBUTIONS, EntryKind.CORRECTION, EntryKind.CHAMBER_FEE, EntryKind.FINE]
            ),
            statement=st.none() | words,
            period=st.none() | periods,
            due=days,
            amount=cents,
            interest=cents,
            reference=st.just("") | st.text(CARRIED, max_size=140),
        ),
        min_size=1,
        max_size=5,
    ).map(tuple),
    last_day=st.none() | days,
    basis=words,
)

comparisons = st.builds(
    Differences,
    answer_headers,
    st.builds(
        Comparison,
        employer=matricules,
        period=periods,
        statement=st.none() | words,
        reconciliation=st.builds(Reconciliation, st.lists(compared_lines(), max_size=5).map(tuple)),
    ),
)

insured_headers = st.builds(InsuredHeader, matricules, environments, seconds)
registered = st.none() | st.text(CARRIED, min_size=1, max_size=255)
paid = st.integers(0, 10**9)

charged_months = st.builds(
    ChargedMonth,
    periods,
    st.sampled_from(Group),
    st.builds(Pay, paid, paid, paid, paid, paid, hours=st.integers(0, 999).map(Decimal)),
    branch_sums,
)

year_spans = st.tuples(days, days).map(
    lambda pair: Span(min(pair).replace(year=2025, day=1), max(pair).replace(year=2025, month=12, day=1))
)


@st.composite
def annual_statements_of_all_kinds(draw: st.DrawFn) -> AnnualStatementReturn:
    header = draw(insured_headers)
    employers = st.builds(
        EmployerYear,
        employer=matricules,
        name=registered,
        spans=st.lists(year_spans, max_size=2).map(tuple),
        months=st.lists(charged_months, max_size=3).map(tuple),
        open=st.lists(
            st.builds(
                Open, periods, st.sampled_from(OpenReason), cents, cents, st.none() | st.sampled_from(Code)
            ),
            max_size=2,
        ).map(tuple),
    )
    stated = AnnualStatement(
        insured=header.insured,
        year=draw(st.integers(1000, 2999)),
        issued=draw(st.dates(date(1000, 1, 1), date(2998, 12, 31))),
        surname=draw(st.none() | names),
        first_name=draw(st.none() | names),
        employers=tuple(draw(st.lists(employers, min_size=1, max_size=3))),
    )
    return AnnualStatementReturn(header, stated)


annual_statements = annual_statements_of_all_kinds()


@st.composite
def over_ceilings_of_all_kinds(draw: st.DrawFn) -> OverCeilingReturn:
    header = draw(insured_headers)
    parts = st.lists(st.builds(BranchSum, branches, cents, cents, st.just(0)), max_size=3).map(tuple)
    above = st.builds(Above, branches, cents, cents, cents, st.sampled_from(["CCSS", "CNAP"]))
    found = OverCeiling(
        insured=header.insured,
        until=draw(periods),
        stage=draw(st.sampled_from(CeilingStage)),
        surname=draw(st.none() | names),
        first_name=draw(st.none() | names),
        employers=tuple(
            draw(st.lists(st.builds(Part, matricules, registered, parts), min_size=2, max_size=3))
        ),
        branches=tuple(draw(st.lists(above, min_size=1, max_size=3))),
    )
    return OverCeilingReturn(header, found)


over_ceilings = over_ceilings_of_all_kinds()
