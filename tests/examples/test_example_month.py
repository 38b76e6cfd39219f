"""The example month: its files, its cast, and what is expected of every deposit.

Every deposit goes through form and handler with the registers in memory; signatures and doors
have tests of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from adapters.billing.reckoning import classification_of
from adapters.demo import moved_on
from adapters.scans import look
from gateway import dta, envelope, names, wire
from gateway.agreement import Agreement
from gateway.attachments import KINDS, attachment
from gateway.batch import Attachment, Batch, Header, MemberId
from gateway.billing import Invoice, Payee
from gateway.billing.charges import Change, cases, charge_year, months_insured
from gateway.billing.settlement import Account, Occasion
from gateway.billing.settlement import invoice as settle
from gateway.billing.statement import Cause
from gateway.contents.checks import Expected
from gateway.contents.payroll import read_payroll
from gateway.context import Context
from gateway.contributions import Policy
from gateway.mandates import rights
from gateway.matricule import is_employer, is_person
from gateway.memory import MemoryWages, memory_registers
from gateway.moments import Period, Received, months_after
from gateway.money import euro
from gateway.outcome import Outcome, together
from gateway.procedures import PAYROLL, PROCEDURES, REFUSED_FILE, procedure
from gateway.registers import Affiliation, Employer, Mandate, Registers, Wage, WageState
from gateway.rejections import REJECTIONS
from gateway.returns import detret, info
from xsd import Form, catalogue

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*/*.dta"))
XML_FILES = sorted(EXAMPLES.glob("*/*.xml"))
"""What has no `.dta` layout."""
RECEIVED = Received(datetime(2026, 8, 10, 9, 0, tzinfo=UTC))
FAULTY_IN_FORM = {
    "employer/OWNCAL.dta": 1,
    "employer/PAYROLL.xml": 1,
    "fiduciary/DECAFF-faulty.dta": 0,
    "fiduciary/DECSAL-faulty.dta": 2,
}
"""How many records of a file their form refuses; everywhere else none."""


def name_of(path: Path) -> str:
    return path.relative_to(EXAMPLES).as_posix()


def form_of(path: Path) -> Form:
    return catalogue().form(path.stem.split("-")[0], "1.0", RECEIVED.day)


each_file = pytest.mark.parametrize("path", FILES, ids=name_of)
each_batch = pytest.mark.parametrize("path", [*FILES, *XML_FILES], ids=name_of)


@cache
def story() -> Mapping[str, Any]:
    return yaml.safe_load((EXAMPLES / "month.yaml").read_text(encoding="utf-8"))


@cache
def cast() -> Mapping[str, Any]:
    return yaml.safe_load((EXAMPLES / "members.yaml").read_text(encoding="utf-8"))


def member(key: str) -> MemberId:
    return MemberId(cast()["members"][key]["matricule"], cast()["members"][key]["number"])


def mandates() -> Iterator[Mandate]:
    number = 0
    for key, each in cast()["members"].items():
        for mandate in each["mandates"]:
            number += 1
            first = date.fromisoformat(mandate["from"])
            yield Mandate(number, member(key), mandate["employer"], frozenset(mandate["procedures"]), first)


def employers() -> Iterator[tuple[int, Employer]]:
    for each in cast()["employers"]:
        for year, set_ in each["years"].items():
            yield year, Employer(each["matricule"], each["name"], set_["mde_class"], set_["accident_factor"])


@each_file
def test_a_file_is_written_in_the_one_spelling(path: Path) -> None:
    raw = path.read_bytes()
    file = dta.read(raw, form_of(path))
    assert dta.write(file.member, file.records, form_of(path)) == raw


@each_file
def test_a_file_is_sent_by_the_member_of_its_folder(path: Path) -> None:
    assert dta.read(path.read_bytes(), form_of(path)).member == member(path.parent.name)


@pytest.mark.parametrize("path", XML_FILES, ids=name_of)
def test_an_xml_file_is_made_by_the_member_of_its_folder(path: Path) -> None:
    header = envelope.read_header(batch_element(path))
    assert (header.sender, header.environment) == (member(path.parent.name), "test")
    assert header.procedure == form_of(path).code


@pytest.mark.parametrize("months", [-1, 0, 1, 3, 6, 12, 18, 31, 36])
def test_work_abroad_ends_as_the_story_tells_whenever_the_demo_is_played(tmp_path: Path, months: int) -> None:
    now = Received(datetime.combine(months_after(RECEIVED.day, months), RECEIVED.at.timetz()))
    path = moved_on(EXAMPLES / "employer" / "DEMDET.xml", tmp_path, member("employer"), now)
    assert names.parse(path.name).member == member("employer")
    root = etree.parse(path).getroot()
    batch = envelope.read(envelope.read_header(root), catalogue().form("DEMDET", "1.0", now.day).check(root))
    known = list(mandates())
    registers = memory_registers(mandates=known)
    for record in batch.records:
        employer, insured = record.fields["Employer"], record.fields["Insured"]
        registers.affiliations.open(Affiliation(employer, insured, date(2020, 1, 1), None, "I", "03"))
    right = rights([mandate for mandate in known if mandate.member == member("employer")], "DEMDET", now)
    context = Context(1, now, member("employer"), right, registers, sender_is_agency=False)
    outcome = procedure("DEMDET").handle(batch, context)
    codes = {anomaly.code for refusal in outcome.refusals for anomaly in refusal.anomalies}
    assert (outcome.accepted, outcome.held, codes) == (2, 0, {"DETRET-TELEWORK-SHARE"})


@each_batch
def test_a_file_is_part_of_the_story(path: Path) -> None:
    assert name_of(path) in {each["file"] for each in story()["deposits"]}


@each_batch
def test_records_have_their_form_but_those_that_are_meant_not_to(path: Path) -> None:
    batch = batch_of(path)
    assert sum(len(part.malformed) for part in batch.parts or (batch,)) == FAULTY_IN_FORM.get(
        name_of(path), 0
    )


def batch_element(path: Path) -> etree._Element:
    """The batch of a file, over the wire."""
    if path in XML_FILES:
        return etree.parse(path).getroot()
    form = form_of(path)
    assert form.record is not None
    file = dta.read(path.read_bytes(), form)
    header = Header(form.code, form.version, file.member, "CCSS", "test", RECEIVED.at)
    return etree.fromstring(etree.tostring(wire.write_batch(header, form.record, file.records)))


def batch_of(path: Path) -> Batch:
    root = batch_element(path)
    if form_of(path).code == PAYROLL:
        return read_payroll(root, form_of(path), Expected(None, None, RECEIVED, None, _EVERYTHING))
    checked = form_of(path).check(root)
    assert not checked.faults
    return envelope.read(envelope.read_header(root), checked)


_EVERYTHING = Agreement(frozenset(one.code for one in PROCEDURES))


@dataclass(frozen=True)
class Played:
    """The month after its last deposit."""

    outcomes: Sequence[tuple[Mapping[str, Any], Outcome]]
    registers: Registers
    wages: MemoryWages


@cache
def played() -> Played:
    """The month, deposit by deposit. A repeat has no effect, a broken signature is not opened."""
    known = list(mandates())
    registers = memory_registers(employers=employers(), mandates=known)
    outcomes = []
    for place, step in enumerate(story()["deposits"], start=1):
        if step["twist"] in ("sent-twice", "broken-signature"):
            continue
        sender = member(step["member"])
        held = [mandate for mandate in known if mandate.member == sender]
        agency = step["member"] == "agency"
        fiduciary = step["member"] == "fiduciary"
        batch = replace(batch_of(EXAMPLES / step["file"]), attachments=attachments_of(step, sender))
        parts = []
        for part in batch.parts or (batch,):
            right = rights(held, part.header.procedure, RECEIVED)
            context = Context(place, RECEIVED, sender, right, registers, agency, fiduciary)
            parts.append(procedure(part.header.procedure).handle(part, context))
        outcomes.append((step, together(parts)))
    assert isinstance(registers.wages, MemoryWages)
    return Played(outcomes, registers, registers.wages)


def attachments_of(step: Mapping[str, Any], sender: MemberId) -> tuple[Attachment, ...]:
    files = [EXAMPLES / file for file in step.get("with", ())]
    return tuple(attachment(step["procedure"], sender, file.name, file.read_bytes(), look) for file in files)


def test_every_scan_and_annex_is_small_and_good_and_part_of_the_story() -> None:
    files = sorted([*EXAMPLES.glob("*/*.JPG"), *EXAMPLES.glob("*/*.PDF")])
    kinds = [next(kind.code for kind in KINDS if kind.pattern.fullmatch(file.name)) for file in files]
    assert set(kinds) == {"CARTID", "RHIN", "EXPL"}
    assert [name_of(file) for file in files] == sorted(
        file for step in story()["deposits"] for file in step.get("with", ())
    )
    for kind, file in zip(kinds, files, strict=True):
        assert look(kind, file.read_bytes()) is None
        assert file.stat().st_size < 30_000


HANDLED = [place for place, step in enumerate(story()["deposits"]) if step["twist"] in ("none", "late")]


@pytest.mark.parametrize(
    "place", range(len(HANDLED)), ids=lambda place: story()["deposits"][HANDLED[place]]["file"]
)
def test_a_deposit_ends_as_the_story_tells(place: int) -> None:
    step, outcome = played().outcomes[place]
    assert step["expect"] == {
        "verdict": outcome.verdict.value,
        "accepted": outcome.accepted,
        "rejected": outcome.rejected,
        "held": outcome.held,
        "codes": sorted(
            {
                anomaly.code
                for found in (*(one.anomalies for one in outcome.refusals), outcome.hints)
                for anomaly in found
            },
            key=as_told,
        ),
        "returns": [*(answer.code for answer in outcome.returns), *pages(outcome)],
    }


def pages(outcome: Outcome) -> Iterator[str]:
    """What is sent to be read beside the returns."""
    deposit = wire.DepositReference("1", "SECU.DEMDET", 1, "0" * 64, RECEIVED)
    header = wire.AnswerHeader(member("employer"), "test", RECEIVED.at, deposit)
    for answer in outcome.returns:
        if answer.code == detret.CODE and info.of(header, answer.content) is not None:
            yield info.CODE


def as_told(code: str) -> tuple[str, int, str]:
    """Codes by their number."""
    kind, _, number = code.partition("-")
    return kind, int(number) if number.isdecimal() else 1000, number


def test_every_refused_record_of_the_wage_file_shows_one_fault_or_all_of_its_faults() -> None:
    outcome = next(o for s, o in played().outcomes if s["file"] == "fiduciary/DECSAL-faulty.dta")
    codes = {
        refusal.record.fields["Reference"]: [anomaly.code for anomaly in refusal.anomalies]
        for refusal in outcome.refusals
    }
    assert codes == {
        "TEXT": ["SALRET-4"],
        "DIGITS": ["SALRET-3"],
        "MONTH-13": ["SALRET-5"],
        "HOURS": ["SALRET-11", "SALRET-8", "SALRET-7"],
        "FUTURE": ["SALRET-9"],
        "TOO-OLD": ["SALRET-12"],
        "NOT-CIVIL": ["SALRET-10"],
        "CAPPED": ["SALRET-13"],
        "TWICE-1": ["SALRET-1"],
        "TWICE-2": ["SALRET-1"],
        "DAYS": ["SALRET-99"],
    }


def test_a_repeat_expects_what_its_first_sending_got() -> None:
    steps = story()["deposits"]
    repeats = [place for place, step in enumerate(steps) if step["twist"] == "sent-twice"]
    assert repeats
    for place in repeats:
        same = ("file", "member", "procedure", "door", "expect")
        assert {key: steps[place][key] for key in same} == {key: steps[place - 1][key] for key in same}


def test_a_broken_signature_is_of_a_batch_that_would_be_good() -> None:
    broken = [step for step in story()["deposits"] if step["twist"] == "broken-signature"]
    assert [step["expect"] for step in broken] == [
        {
            "verdict": "rejected",
            "accepted": 0,
            "rejected": 0,
            "held": 0,
            "codes": ["SIG-BROKEN"],
            "returns": ["FAIL"],
        }
    ]
    batch = batch_of(EXAMPLES / broken[0]["file"])
    allowed = {m.employer for m in mandates() if m.member == member("agency") and "DECSAL" in m.procedures}
    assert batch.size == 1
    assert not batch.malformed
    assert {record.fields["Employer"] for record in batch.records} <= allowed


def test_steps_speak_of_what_exists() -> None:
    for step in story()["deposits"]:
        assert set(step) - {"with"} == {"file", "member", "procedure", "door", "twist", "title", "expect"}
        assert step["door"] in ("https", "sftp")
        assert step["member"] == step["file"].split("/")[0]
        assert step["file"].split("/")[1].startswith(step["procedure"])
        assert set(step["expect"]["codes"]) <= REJECTIONS.keys()


def test_both_doors_all_members_and_all_returns_occur() -> None:
    steps = story()["deposits"]
    assert {step["door"] for step in steps} == {"https", "sftp"}
    assert {step["member"] for step in steps} == cast()["members"].keys()
    assert {step["procedure"] for step in steps} == {PAYROLL, *(one.code for one in PROCEDURES)}
    assert {name for step in steps for name in step["expect"]["returns"]} == {
        *REFUSED_FILE,
        *(answer for one in PROCEDURES for answer in one.all_returns),
    }
    assert {step["twist"] for step in steps} == {"none", "sent-twice", "broken-signature", "late"}


def test_the_held_wage_counts_once_its_affiliation_has_come() -> None:
    states = Counter(state for _, state in played().wages.all())
    assert states[WageState.HELD] == 0
    assert states[WageState.SUPERSEDED] == 2  # those that were declared again
    released = [
        w for w, state in played().wages.all() if w.reference == "P012-2026-07" and state is WageState.CURRENT
    ]
    assert len(released) == 1


def test_the_person_whom_two_members_hire_has_one_matricule() -> None:
    assigned = [
        (each.record.fields["Surname"], each.matricule, each.existing)
        for step, outcome in played().outcomes
        for answer in outcome.returns
        if answer.code == "MATASS"
        for each in answer.content
    ]
    exemple = [(insured, existing) for surname, insured, existing in assigned if surname == "EXEMPLE"]
    assert len({insured for insured, _ in exemple}) == 1
    assert [existing for _, existing in exemple] == [False, True]


def invoices() -> Iterator[Invoice]:
    period = Period.parse(story()["period"])
    current = [
        w for w, state in played().wages.all() if state is WageState.CURRENT and w.key.period == period
    ]
    for year, employer in employers():
        wages = [wage for wage in current if wage.key.employer == employer.matricule]
        if year == period.year and wages:
            pairs = {(wage.key.employer, wage.key.insured) for wage in wages}
            known = played().registers.affiliations.of(pairs)
            by_insured = {insured: each for (_, insured), each in known.items()}
            yield invoice_of(employer, period, wages, by_insured)


def invoice_of(
    employer: Employer, period: Period, wages: Sequence[Wage], known: Mapping[str, Sequence[Affiliation]]
) -> Invoice:
    """The statement of an employer to whom nothing was charged before."""
    classification, day = classification_of(employer), RECEIVED.day
    found, held = cases(wages, known, day)
    assert not held
    changes = [
        Change((Cause.LATE,), None, charge)
        for insured in sorted({key.insured for key in found})
        for charge in charge_year(
            [case for key, case in found.items() if key.insured == insured],
            months_insured(known[insured], period.year),
            classification,
            Policy(),
            day,
        )
    ]
    occasion = Occasion(1, employer.matricule, employer.name, classification, period, RECEIVED, Policy())
    return settle(occasion, changes, [], Account(0, [], Payee("Nobody", "LU00", "NOBODY")), lambda _: ())


def test_each_employer_is_charged_what_the_story_tells() -> None:
    charged = {invoice.statement.employer: euro(invoice.statement.contributions) for invoice in invoices()}
    assert charged == story()["statements"]
    assert all(invoice.statement.contributions == invoice.calculation.total for invoice in invoices())


@pytest.mark.parametrize(
    ("reference", "due"),
    [("P001-2026-07", "986.95"), ("P031-2026-07", "1867.69")],
    ids=["plain wage", "all elements"],
)
def test_wages_of_worked_examples_are_charged_as_worked_out(reference: str, due: str) -> None:
    (insured,) = (w.key.insured for w, _ in played().wages.all() if w.reference == reference)
    totals = [euro(r.total) for i in invoices() for r in i.calculation.insured if r.insured == insured]
    assert totals == [due]


def test_the_cast_is_made_up_and_its_numbers_are_right() -> None:
    for each in [*cast()["members"].values(), *cast()["employers"]]:
        assert is_employer(each["matricule"])
        assert each["matricule"].startswith("209999")
    registered = {each["matricule"] for each in cast()["employers"]}
    assert {mandate.employer for mandate in mandates()} <= registered
    assert len({str(member(key)) for key in cast()["members"]}) == len(cast()["members"])


@each_file
def test_insured_persons_are_born_in_the_nineteenth_century(path: Path) -> None:
    for record in dta.read(path.read_bytes(), form_of(path)).records:
        if "Insured" in record or "BirthDate" in record:
            assert record.get("Insured", record.get("BirthDate", "")).startswith("189")
        elif form_of(path).code == "DEMUTI":
            assert record["Country"] != "LU"  # a company abroad
    good = [r for r in batch_of(path).records if "Insured" in r.fields and "faulty" not in path.stem]
    assert all(is_person(record.fields["Insured"]) for record in good)


def test_the_files_are_told_by_the_readme() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name_of(path) for path in [*FILES, *XML_FILES] if name_of(path) not in text] == []


def test_git_leaves_the_line_ends_alone() -> None:
    lines = (EXAMPLES / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "*.dta -text" in lines
