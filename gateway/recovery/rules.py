"""The figures of recovery in force on a day, from `gateway/parameters/collection.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.moments import Period
from gateway.parameters import law


@dataclass(frozen=True, slots=True)
class Rules:
    """When what goes out.

    Attributes:
        reminders: whether a reminder comes before a summons.
        reminder_after_days: days after the last day to pay from which an unpaid item is reminded.
        reminder_term_days: days that a reminder gives to pay.
        statements: unpaid statements from which forced recovery starts, with a summons.
        summons_term_months: months that a summons gives to pay.
    """

    reminders: bool
    reminder_after_days: int
    reminder_term_days: int
    statements: int
    summons_term_months: int


def rules_on(day: date) -> Rules:
    """The rules in force in the month of a day.

    Raises:
        NoParametersError: for a day before the first rule.
    """
    period, known = Period(day.year, day.month), law()

    def number(name: str) -> int:
        return int(known.number(f"collection.{name}", period).value)

    return Rules(
        reminders=known.word("collection.reminders_in_use", period).value == ("yes",),
        reminder_after_days=number("reminder_days_after_due"),
        reminder_term_days=number("reminder_term_days"),
        statements=number("unpaid_statements_before_forced_recovery"),
        summons_term_months=number("summons_term_months"),
    )
