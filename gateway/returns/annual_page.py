"""What the page of an annual statement says, in French, German or English: the PDF beside ANNUEL."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from gateway.billing.annual import LEGAL_BASIS, AnnualStatement, ChargedMonth, EmployerYear, Open, Span
from gateway.billing.statement import BranchSum
from gateway.pages import amount, day, legible
from gateway.parameters import Branch
from gateway.returns.annuel import CODE
from gateway.returns.statement_page import Speech

_LONGEST_NAME = 200

Texts = Mapping[str, str | Mapping[str, str]]


@cache
def texts(language: str) -> Texts:
    """The texts of a language: `fr`, `de` or `en`.

    Raises:
        KeyError: for a text that has no translation.
    """
    raw = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return {
        name: text[language]
        if language in text
        else {one: translations[language] for one, translations in text.items()}
        for name, text in raw.items()
    }


def _say(language: str, name: str, **given: object) -> str:
    text = texts(language)[name]
    assert isinstance(text, str)
    return text.format(**given)


def file_of(stated: AnnualStatement) -> str:
    """The name of the signed statement within the page."""
    return f"{CODE}-{stated.year}-{stated.insured}.xml"


def spell(stated: AnnualStatement, language: str, *, digest: str, test: bool) -> dict[str, object]:
    """All that the page shows, as values for JSON.

    Args:
        language: `fr`, `de` or `en`.
        digest: SHA-256 of the signed statement, hexadecimal.
        test: whether it comes from a test environment.
    """
    plain = {name: text for name, text in texts(language).items() if isinstance(text, str)}
    person = " ".join(name for name in (stated.first_name, stated.surname) if name)
    said = {
        **plain,
        "title": _say(language, "title", year=stated.year),
        "issued": _say(language, "issued", day=day(stated.issued)),
        "basis": _say(language, "basis", basis=LEGAL_BASIS),
        "attached": _say(language, "attached", file=file_of(stated)),
    }
    return {
        "language": language,
        "words": said,
        "test": test,
        "file": file_of(stated),
        "digest": digest,
        "insured": stated.insured,
        "person": legible(person, _LONGEST_NAME),
        # Every second part is strong.
        "claim": _say(language, "claim", until=day(stated.claim_until)).split("**"),
        "employers": [_employer(language, one) for one in stated.employers],
        "everything": _everything(language, stated) if len(stated.employers) > 1 else None,
    }


def _employer(language: str, one: EmployerYear) -> Mapping[str, object]:
    return {
        "employer": one.employer,
        "name": legible(one.name or "", _LONGEST_NAME),
        "spans": _spans(language, one.spans),
        "lasting": _say(language, "lasting", days=one.days, months=one.months_insured),
        "months": [_month(language, month) for month in one.months],
        "sums": _sums(one),
        "branches": [_branch(language, branch) for branch in one.branches],
        "shares": [amount(one.employee_total), amount(one.employer_total)],
        "open": [_open(language, left) for left in one.open],
    }


def _everything(language: str, stated: AnnualStatement) -> Mapping[str, object]:
    return {
        "lasting": _say(language, "lasting", days=stated.days, months=stated.months_insured),
        "sums": _sums(stated),
    }


def _spans(language: str, spans: tuple[Span, ...]) -> str:
    if not spans:
        return _say(language, "no_span")
    told = (_say(language, "span", first=day(span.first), last=day(span.last)) for span in spans)
    return _say(language, "spans", spans=", ".join(told))


def _month(language: str, month: ChargedMonth) -> list[str]:
    speech = Speech(language)
    pension = sum(line.base for line in month.lines if line.branch is Branch.PENSION)
    return [
        speech.month(month.period),
        str(int(month.pay.hours)),
        amount(month.pay.total),
        amount(pension),
        amount(sum(line.employee for line in month.lines)),
        amount(sum(line.employer for line in month.lines)),
    ]


def _sums(of: EmployerYear | AnnualStatement) -> list[str]:
    employers = of.employers if isinstance(of, AnnualStatement) else (of,)
    pension = sum(line.base for one in employers for line in one.branches if line.branch is Branch.PENSION)
    return [
        str(of.hours),
        amount(of.pay),
        amount(pension),
        amount(of.employee_total),
        amount(of.employer_total),
    ]


def _branch(language: str, one: BranchSum) -> list[str]:
    branch = Speech(language).of("branches", one.branch)
    return [branch, amount(one.base), amount(one.employee), amount(one.employer)]


def _open(language: str, left: Open) -> list[str]:
    reasons = texts(language)["reasons"]
    assert isinstance(reasons, Mapping)
    month = Speech(language).month(left.period)
    return [month, reasons[left.reason], amount(left.declared), amount(left.charged)]
