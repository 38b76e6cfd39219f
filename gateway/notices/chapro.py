"""CHAPRO: who is counted for the Chambre des salariés, and when the employer is told.

Who was affiliated on 1 March of the year counts; which contract types and schemes are meant is dated data
(`chapro.yaml`, assumed). The list is sent to be checked from the first working day of May, corrections
count until 30 June, and it is sent as it is charged from the first working day of July.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypedDict

import yaml

from gateway.batch import MemberId
from gateway.calendar import first_working_day
from gateway.moments import Received
from gateway.notices.names import names
from gateway.notices.recipients import holders
from gateway.registers import Affiliation, Mandate, Registers
from gateway.returns.chapro import Counted, Stage

_RIGHT = ("CALCUL",)
_MONTHS = {5: Stage.CHECK, 7: Stage.CHARGED}


class Turn(NamedTuple):
    """One of the two lists of a year."""

    year: int
    stage: Stage

    @property
    def until(self) -> date:
        """Last day on which corrections count."""
        return date(self.year, 6, 30)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is counted from a year on.

    Attributes:
        contracts: letters of the contract types that count.
        schemes_left_out: codes of the schemes that do not.
    """

    year: int
    contracts: frozenset[str]
    schemes_left_out: frozenset[str]

    def counts(self, affiliation: Affiliation) -> bool:
        return affiliation.contract in self.contracts and affiliation.scheme not in self.schemes_left_out


class _RawRule(TypedDict):
    year: int
    contracts: list[str]
    schemes_left_out: list[str]
    confidence: str
    source: str


def turn_due(day: date) -> Turn | None:
    """The list that is due on a day, in May or July from the first working day on."""
    stage = _MONTHS.get(day.month)
    if stage is None or day < first_working_day(day.year, day.month):
        return None
    return Turn(day.year, stage)


def reference_day(year: int) -> date:
    """The day on which employees are counted."""
    return date(year, 3, 1)


def counted(employer: str, year: int, registers: Registers) -> list[Counted]:
    """The employees of an employer who are counted in a year, by insured, each once.

    Raises:
        LookupError: for a year before the first rule.
    """
    day, rule = reference_day(year), rule_of(year)
    affiliated = registers.affiliations.during(employer, day, day)
    # A temporary worker may be lent to two companies on that day: one employee all the same.
    first = {one.insured: one for one in reversed(affiliated) if rule.counts(one)}
    known = registers.persons.identities(first)
    return [
        Counted(employer, insured, one.entry, one.contract, *names(known.get(insured)))
        for insured, one in sorted(first.items())
    ]


def recipients(mandates: Sequence[Mandate], at: Received) -> list[MemberId]:
    """Who gets the list: every member with the right to the employer's invoices."""
    return holders(mandates, _RIGHT, at)


def rule_of(year: int) -> Rule:
    """The rule in force in a year.

    Raises:
        LookupError: for a year before the first rule.
    """
    found = [rule for rule in rules() if rule.year <= year]
    if not found:
        raise LookupError(f"nobody knows who was counted for the Chambre des salariés in {year}")
    return max(found, key=lambda rule: rule.year)


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, as the file beside this module states them."""
    raw: list[_RawRule] = yaml.safe_load((Path(__file__).parent / "chapro.yaml").read_text(encoding="utf-8"))
    return tuple(
        Rule(each["year"], frozenset(each["contracts"]), frozenset(each["schemes_left_out"])) for each in raw
    )
