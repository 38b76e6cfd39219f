"""What the page of an account statement says, in French, German or English: the PDF beside EXTCPT and CALCUL.

The four numbered fields at its top are those of the operator's statement since March 2025; the further fields
of that one are not known, and the rest is our own order: the account, how it is settled, the month by branch,
corrections by month, refunds, distribution, with what it was computed, and an annex with each insured.

Amounts on the account stand in a debit or a credit column without a sign; everywhere else an amount in favour
of the employer is negative, but refunds, which are always stated as what the employer gets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

from gateway.billing.lines import ChargedLine
from gateway.billing.statement import (
    AccountStatement,
    BranchSum,
    Calculation,
    Cause,
    CorrectedMonth,
    Declared,
    InsuredResult,
    Movement,
    Recalculation,
    RefundChange,
    Terms,
)
from gateway.moments import Period
from gateway.mutuality import Refund
from gateway.pages import amount, day, legible, percent
from gateway.parameters import Branch, Law, Parameter, law

LANGUAGES = ("fr", "de", "en")

AnyParameter = Parameter[Decimal] | Parameter[tuple[str, ...]]

MOST_PRINTED = 500
"""Of more insured, corrections or refunds than these the annex prints the first: CALCUL has them all."""

_LONGEST_NAME = 200
_MINIMA = ("unskilled_18_plus", "age_17", "age_15_16")
"""The minimum wages that floors are made of."""

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

Words = Mapping[str, str | Mapping[str, str]]
"""The texts of one language, by their names; some are many by the name of what they speak of."""


@cache
def words(language: str) -> Words:
    """The texts of a language.

    Args:
        language: `fr`, `de` or `en`.

    Raises:
        KeyError: for a text that has no translation.
    """
    texts = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return {
        name: text[language]
        if language in text
        else {one: translations[language] for one, translations in text.items()}
        for name, text in texts.items()
    }


@dataclass(frozen=True, slots=True)
class Speech:
    """One language: its texts, filled in."""

    language: str

    def say(self, name: str, **given: object) -> str:
        """A text with what belongs in its braces."""
        text = words(self.language)[name]
        assert isinstance(text, str)
        return text.format(**given)

    def of(self, name: str, one: str) -> str:
        """What something is called, of many; its own word where there is none."""
        texts = words(self.language)[name]
        assert isinstance(texts, Mapping)
        return texts.get(one, one)

    def month(self, period: Period) -> str:
        """A month in words: `janvier 2026`."""
        return f"{self.of('months', f'{period.month:02d}')} {period.year}"

    def months(self, periods: Sequence[Period]) -> str:
        """One month, or from the first to the last."""
        first, last = min(periods), max(periods)
        if first == last:
            return self.month(first)
        return self.say("from_to", first=self.month(first), last=self.month(last))

    def count(self, insured: int) -> str:
        """How many insured."""
        return self.say("insured_count_one" if insured == 1 else "insured_count", count=insured)

    def causes(self, causes: Iterable[Cause]) -> str:
        """Why something was computed anew."""
        return ", ".join(self.of("causes", cause) for cause in causes)


@dataclass(slots=True)
class Quoted:
    """What the annex refers to by a short sign and lists at its end, in order of first mention."""

    sources: dict[str, str] = field(default_factory=dict)
    deposits: dict[tuple[str, str], str] = field(default_factory=dict)

    def source(self, text: str) -> str:
        """The sign of a source: `S1`; none for none."""
        return self.sources.setdefault(text, f"S{len(self.sources) + 1}") if text else ""

    def record(self, declared: Declared) -> str:
        """The sign of a record: `D1/15` is record 15 of the first deposit."""
        key = (declared.deposit, declared.digest)
        return f"{self.deposits.setdefault(key, f'D{len(self.deposits) + 1}')}/{declared.record}"


def spell(
    statement: AccountStatement, calculation: Calculation, language: str, *, digest: str, test: bool
) -> dict[str, object]:
    """All that the page shows, as values for JSON.

    Args:
        statement: what is charged.
        calculation: the detail behind it.
        language: `fr`, `de` or `en`.
        digest: SHA-256 of the signed EXTCPT that is attached, hexadecimal.
        test: whether it comes from a test environment, and must not be paid.
    """
    speech = Speech(language)
    quoted = Quoted()
    annex = _annex(speech, quoted, calculation)
    doubts = _doubts(statement, calculation)
    return {
        "language": language,
        "words": words(language),
        "test": test,
        "title": f"{speech.say('title')} {speech.say('number', number=statement.number)}",
        "number": speech.say("number", number=statement.number),
        "subtitle": speech.say("subtitle", month=speech.month(statement.period)),
        "payee": legible(statement.payee.name, 70),
        "employer": statement.employer,
        "name": legible(statement.name, _LONGEST_NAME),
        "fields": _fields(speech, statement),
        "account": _account(speech, statement),
        "payment": _payment(speech, statement),
        "month": {
            "heading": speech.say("month_heading", month=speech.month(statement.period)),
            "branches": [_branch(speech, one) for one in statement.branches],
            "total": _shares(statement.employee_total, statement.employer_total),
        },
        "corrections": [_corrected(speech, one) for one in statement.corrections],
        "corrected": amount(statement.corrected),
        "refunds": [
            {"month": speech.month(one.period), "insured": str(one.insured), "amount": amount(one.amount)}
            for one in statement.refunds
        ],
        "refunded": amount(statement.refunded),
        "distribution": [
            {
                "code": share.institution,
                "name": speech.of("institutions", share.institution),
                "amount": amount(share.amount),
            }
            for share in statement.distribution
        ],
        "charged": amount(statement.charged),
        "method": _method(speech, statement, len(doubts)),
        "file": file_of(statement),
        "digest": digest,
        "annex": annex,
        "sources": [{"sign": sign, "text": legible(text, 200)} for text, sign in quoted.sources.items()],
        "addresses": _addresses([*quoted.sources, *(one.quotation for one in doubts)]),
        "deposits": [
            {"sign": sign, "deposit": legible(deposit, 80), "digest": legible(bytes_, 64)}
            for (deposit, bytes_), sign in quoted.deposits.items()
        ],
        "doubts": [_doubt(speech, one) for one in doubts],
    }


def file_of(statement: AccountStatement) -> str:
    """The name of the signed statement within the page."""
    return f"EXTCPT-{statement.number}.xml"


def _fields(speech: Speech, statement: AccountStatement) -> list[Mapping[str, str]]:
    plan = statement.terms is Terms.PLAN
    if statement.payable:
        payable = speech.say("field_payable", due=day(statement.due)), statement.payable
    elif statement.balance < 0:
        payable = speech.say("field_credit"), -statement.balance
    else:
        payable = speech.say("field_nothing"), 0
    shown = (
        (speech.say("field_employer"), statement.employer),
        (speech.say("field_date"), day(statement.issued)),
        (speech.say("field_type"), speech.say("type_plan" if plan else "type")),
        (payable[0], f"{amount(payable[1])} EUR"),
    )
    return [{"label": label, "value": value} for label, value in shown]


_BEFORE_CHARGES = (
    Movement.PAYMENT,
    Movement.DIRECT_DEBIT,
    Movement.RETURNED_DEBIT,
    Movement.CREDIT_PAID,
)
"""Money that moved; all other bookings follow the charges, in the order of the operator's statement."""


def _account(speech: Speech, statement: AccountStatement) -> Mapping[str, object]:
    charges = speech.say("charges", month=speech.month(statement.period))
    issued = day(statement.issued)
    entries = [("", speech.say("previous"), "", statement.previous_balance)]
    entries += _bookings(speech, statement, money=True)
    entries.append((issued, charges, "", statement.contributions))
    entries += _bookings(speech, statement, money=False)
    if statement.corrections:
        months = speech.months([one.period for one in statement.corrections])
        entries.append((issued, speech.say("corrected", months=months), "", statement.corrected))
    if statement.refunds:
        months = speech.months([one.period for one in statement.refunds])
        entries.append((issued, speech.say("refunded", months=months), "", -statement.refunded))
    debit = sum(cents for *_, cents in entries if cents > 0)
    balance = "zero" if not statement.balance else "debit" if statement.balance > 0 else "credit"
    return {
        "entries": [
            {"day": at, "item": item, "reference": reference, **_sides(cents)}
            for at, item, reference, cents in entries
        ],
        "debit": amount(debit),
        "credit": amount(debit - statement.balance),
        "balance": {"item": speech.say(f"balance_{balance}"), **_sides(statement.balance)},
    }


def _bookings(
    speech: Speech, statement: AccountStatement, *, money: bool
) -> Iterator[tuple[str, str, str, int]]:
    """The bookings of payments or all others, kind by kind, each kind in order of days."""
    order = list(Movement)
    chosen = [one for one in statement.bookings if (one.kind in _BEFORE_CHARGES) == money]
    for one in sorted(chosen, key=lambda booking: (order.index(booking.kind), booking.day)):
        yield day(one.day), speech.of("movements", one.kind), legible(one.reference, 60), one.amount


def _sides(cents: int) -> Mapping[str, str]:
    return {
        "debit": amount(cents) if cents >= 0 else "",
        "credit": amount(-cents) if cents < 0 else "",
    }


def _payment(speech: Speech, statement: AccountStatement) -> Mapping[str, object]:
    known = law().as_known(statement.policy.known)
    days = (statement.due - statement.issued).days
    rate = percent(known.number("collection.late_interest_per_full_month", statement.period).value)
    return {
        # Every second part is strong.
        "text": payment_text(speech, statement).split("**"),
        "slip": {
            "payee": legible(statement.payee.name, 70),
            "iban": _in_fours(statement.payee.iban),
            "bic": statement.payee.bic,
            "reference": statement.employer,
            "amount": f"{amount(statement.payable)} EUR",
            "due": day(statement.due),
        }
        if transferred(statement)
        else None,
        "law": [speech.say("law_due", days=days), speech.say("law_interest", rate=rate)],
    }


def payment_text(speech: Speech, statement: AccountStatement) -> str:
    """What the employer has to do, if anything; strong words stand between `**`."""
    if statement.payable:
        return speech.say(f"pay_{statement.terms}", amount=amount(statement.payable), due=day(statement.due))
    if statement.balance < 0:
        return speech.say("pay_credit", amount=amount(-statement.balance))
    return speech.say("pay_nothing")


def transferred(statement: AccountStatement) -> bool:
    """Whether the employer has to make a transfer."""
    return statement.payable > 0 and statement.terms in (Terms.TRANSFER, Terms.PLAN)


def _in_fours(iban: str) -> str:
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))


def _branch(speech: Speech, branch: BranchSum) -> Mapping[str, str]:
    return {
        "branch": speech.of("branches", branch.branch),
        "base": amount(branch.base),
        **_shares(branch.employee, branch.employer),
    }


def _shares(employee: int, employer: int) -> Mapping[str, str]:
    return {"employee": amount(employee), "employer": amount(employer), "total": amount(employee + employer)}


def _corrected(speech: Speech, month: CorrectedMonth) -> Mapping[str, object]:
    moved = [one for one in month.branches if one.base or one.employee or one.employer]
    return {
        "month": speech.month(month.period),
        "insured": speech.count(month.insured),
        "causes": speech.causes(month.causes),
        "branches": [_branch(speech, one) for one in moved],
        "total": _shares(month.employee_total, month.employer_total),
    }


def _method(speech: Speech, statement: AccountStatement, doubts: int) -> list[Mapping[str, str]]:
    policy = statement.policy
    known = speech.say("parameters_text", version=policy.parameters, known=day(policy.known))
    rows = [("parameters", known), ("policy", policy.name)]
    if doubts:
        rows.append(("doubtful", speech.say("doubtful_text", count=doubts, address=law().confirm_at)))
    rows.append(("document", speech.say("document_text", file=file_of(statement))))
    return [{"label": speech.say(name), "value": value} for name, value in rows]


def _annex(speech: Speech, quoted: Quoted, calculation: Calculation) -> Mapping[str, object]:
    insured, corrections, refunds = calculation.insured, calculation.corrections, calculation.refunds
    return {
        "heading": speech.say("annex_heading", month=speech.month(calculation.period)),
        "insured": [_result(speech, quoted, one) for one in insured[:MOST_PRINTED]],
        "insured_more": _more(speech, len(insured)),
        "total": _shares(calculation.employee_total, calculation.employer_total),
        "corrections": [_recalculation(speech, quoted, one) for one in corrections[:MOST_PRINTED]],
        "corrections_more": _more(speech, len(corrections)),
        "refunds": [_refund_change(speech, quoted, one) for one in refunds[:MOST_PRINTED]],
        "refunds_more": _more(speech, len(refunds)),
    }


def _more(speech: Speech, there_are: int) -> str:
    if there_are <= MOST_PRINTED:
        return ""
    return speech.say("annex_more", shown=MOST_PRINTED, more=there_are - MOST_PRINTED)


def _result(speech: Speech, quoted: Quoted, result: InsuredResult) -> Mapping[str, object]:
    about = [speech.of("groups", result.group), speech.say("hours", hours=_signed(result.hours))]
    about.append(speech.say("pay", amount=amount(result.pay)))
    if result.declared:
        records = ", ".join(quoted.record(one) for one in result.declared)
        about.append(speech.say("declared", records=records))
    return {
        "insured": result.insured,
        "about": about,
        "lines": [_line(speech, quoted, line) for line in result.lines],
        "total": _shares(result.employee_total, result.employer_total),
    }


def _signed(number: int) -> str:
    return str(number).replace("-", "−")


def _line(speech: Speech, quoted: Quoted, line: ChargedLine) -> Mapping[str, str]:
    return {
        "branch": speech.of("branches", line.branch),
        "base": amount(line.base),
        "rate": percent(line.rate),
        **_shares(line.employee, line.employer),
        "formula": legible(line.formula, 200),
        "source": quoted.source(line.source),
    }


def _recalculation(speech: Speech, quoted: Quoted, one: Recalculation) -> Mapping[str, object]:
    parts = []
    if one.reversal is not None:
        parts.append({"kind": speech.say("reversal"), **_result(speech, quoted, one.reversal)})
    if one.result is not None:
        kind = speech.say("new", version=one.version)
        parts.append({"kind": kind, **_result(speech, quoted, one.result)})
    employee = sum(result.employee_total for result in one.results)
    return {
        "month": speech.month(one.period),
        "insured": one.insured,
        "causes": speech.causes(one.causes),
        "parts": parts,
        "total": _shares(employee, one.total - employee),
    }


def _refund_change(speech: Speech, quoted: Quoted, one: RefundChange) -> Mapping[str, object]:
    rows: list[Mapping[str, str]] = []
    if one.reversal is not None:
        rows += _refund_rows(speech, quoted, one.reversal, speech.say("reversal"))
    if one.result is not None:
        rows += _refund_rows(speech, quoted, one.result, "")
    return {
        "insured": one.insured,
        "month": speech.month(one.period),
        "causes": speech.causes(one.causes),
        "rows": rows,
        "total": amount(one.total),
    }


def _refund_rows(speech: Speech, quoted: Quoted, refund: Refund, kind: str) -> Iterator[Mapping[str, str]]:
    for part in refund.parts:
        yield {
            "kind": kind,
            "days": f"{day(part.first)} – {day(part.last)}",
            "ground": speech.of("grounds", part.ground),
            "hours": _signed(part.hours),
            "rate": percent(part.rate),
            "pay": amount(part.pay_refund),
            "shares": amount(part.total - part.pay_refund),
            "total": amount(part.total),
            "formula": legible(part.formula, 200),
            "source": quoted.source(part.source),
        }
    for left in refund.left_out:
        yield {
            "kind": kind,
            "days": f"{day(left.first)} – {day(left.last)}",
            "ground": speech.say("left_out"),
            "hours": _signed(left.hours),
            "rate": "",
            "pay": "",
            "shares": "",
            "total": amount(0),
            "formula": speech.of("reasons", left.reason),
            "source": "",
        }


def _doubts(statement: AccountStatement, calculation: Calculation) -> list[AnyParameter]:
    """The parameters in use that have to be confirmed, each once, by name and first day."""
    known = law().as_known(statement.policy.known)
    periods = {statement.period, *(month.period for month in statement.corrections)}
    used = _used(statement, calculation)
    found = {
        (one.name, one.since): one
        for period in periods
        for one in _in_force(known, period)
        if one.confidence.doubtful and used(one)
    }
    return [found[key] for key in sorted(found)]


def _used(statement: AccountStatement, calculation: Calculation) -> Callable[[AnyParameter], bool]:
    """Whether a parameter bears on a statement, as far as can be told by its name and value."""
    charged = [*calculation.insured, *(one for change in calculation.corrections for one in change.results)]
    mutuality = {line.rate for result in charged for line in result.lines if line.branch is Branch.MDE}
    branches = {line.branch for result in charged for line in result.lines}
    institutions = {(share.institution,) for share in statement.distribution}

    def used(one: AnyParameter) -> bool:
        match one.name.split("."):
            case ["mutuality", *_]:
                return one.value in mutuality
            case ["rates", branch, *_]:
                return branch in branches
            case ["distribution", *_]:
                return one.value in institutions
            case ["base_matrix" | "bases", *_]:
                return True
            case ["minimum_wage", key]:
                return key in _MINIMA
        return False

    return used


def _in_force(known: Law, period: Period) -> Iterator[AnyParameter]:
    """All parameters of a month."""
    groups: list[Sequence[AnyParameter]] = [*known.numbers.values(), *known.words.values()]
    for values in groups:
        begun = [value for value in values if value.since <= period.first]
        if begun:
            yield begun[-1]


def _addresses(quotations: Iterable[str]) -> list[Mapping[str, str]]:
    """Where the sources that are quoted by their ids can be read, as far as it is known."""
    known = law().sources
    ids = {one for quotation in quotations for one in _ID.findall(quotation)}
    return [{"id": one, "address": legible(known[one], 200)} for one in sorted(ids & known.keys())]


def _doubt(speech: Speech, one: AnyParameter) -> Mapping[str, str]:
    value = ", ".join(one.value) if isinstance(one.value, tuple) else str(one.value)
    return {
        "name": one.name,
        "value": legible(value, 80),
        "since": day(one.since),
        "confidence": speech.of("confidences", one.confidence),
        "sources": ", ".join(one.sources),
    }
