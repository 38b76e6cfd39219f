"""Where personal data may stand in the database in plain text, and why: the one list.

Whole documents (deposits, receipts, answers) are sealed. What is listed here is what the gateway computes and
looks up with. A test plants marks in batches and finds them in these columns and nowhere else; the record
of processing (docs/reference/processing.md) is written from this list.
"""

from __future__ import annotations

from collections.abc import Mapping

IDENTITY = "who is insured: a person who is declared again gets the same number, found by name and birth date"
ADDRESS = "address as the request for a number gave it; the number is issued to it"
CAREER = (
    "from when to when somebody is insured with whom: decides whether wages are accepted and where they count"
)
PAY = "what contributions and refunds are computed from, and computed again when something is corrected"
ACCOUNT = "what was charged, refunded or paid: the accounts, never changed"
OWN_NAME = "a member's own name or contact, as registered"
SENDERS = "how the sender calls a file or a record; quoted in answers"
NOTED = "that something was posted or decided about somebody, so that it is done once and can be explained"
STAFF = "what the operator's staff entered; may name a person"
CERTIFICATE = "certificates of members, which may name whoever holds them"
CHANGE = "which row was changed; a person's row is known by the matricule"

_PAY = (
    "base_wage",
    "work_hours",
    "supplements",
    "overtime_pay",
    "overtime_hours",
    "gratuities",
    "unemployment_pay",
    "inactive_hours",
    "non_pensionable",
    "first_day",
    "last_day",
    "period",
    "capped",
)
_ADDRESS = ("house_number", "street", "postcode", "town", "country")


def _columns(table: str, columns: tuple[str, ...], why: str) -> dict[tuple[str, str], str]:
    return {(table, column): why for column in columns}


PERSONAL: Mapping[tuple[str, str], str] = {
    **_columns("person", ("matricule", "surname", "first_name", "born", "nationality"), IDENTITY),
    **_columns("person", _ADDRESS, ADDRESS),
    **_columns("renumbering", ("old", "new"), IDENTITY),
    **_columns("affiliation", ("insured", "entry", "exit", "contract", "scheme", "user", "trial"), CAREER),
    **_columns(
        "mission",
        ("insured", "user", "entry", "exit", "contract", "scheme", "occupation", "posting"),
        CAREER,
    ),
    **_columns("wage", ("insured", *_PAY), PAY),
    **_columns("wage", ("reference",), SENDERS),
    **_columns("absence", ("insured", "period", "kind", "first_day", "last_day", "hours"), PAY),
    **_columns(
        "own_calculation",
        ("insured", "period", "insured_as", "lines", "employee_total", "employer_total"),
        PAY,
    ),
    **_columns("own_calculation", ("reference",), SENDERS),
    **_columns("activity_abroad", ("insured", "procedure", "first_day", "last_day", "fields"), CAREER),
    **_columns("charge", ("insured", "period", "group", "hours", "base_wage", "supplements"), ACCOUNT),
    **_columns(
        "charge", ("overtime_pay", "gratuities", "unemployment_pay", "age", "causes", "records"), ACCOUNT
    ),
    **_columns("mutuality_refund", ("insured", "period", "total", "content", "causes"), ACCOUNT),
    **_columns("payment", ("name", "iban", "remittance", "structured", "end_to_end"), ACCOUNT),
    **_columns("direct_debit", ("iban", "bic", "name"), ACCOUNT),
    **_columns("payout_account", ("iban", "name"), ACCOUNT),
    **_columns("bank_order", ("iban",), ACCOUNT),
    **_columns("recalculation", ("insured",), NOTED),
    **_columns("billing_hold", ("insured", "detail"), NOTED),
    **_columns("notice", ("insured",), NOTED),
    **_columns("circumstance", ("insured",), NOTED),
    **_columns("dispute", ("reason",), STAFF),
    **_columns("staff_act", ("arguments", "reason"), STAFF),
    **_columns("staff", ("name",), STAFF),
    **_columns("special_case", ("owner",), STAFF),
    **_columns("member", ("name",), OWN_NAME),
    **_columns("employer", ("name", *_ADDRESS), OWN_NAME),
    **_columns("employer_name", ("before", "name"), OWN_NAME),
    **_columns("company", ("name", *_ADDRESS), OWN_NAME),
    **_columns("certificate", ("pem",), CERTIFICATE),
    **_columns("portal_person", ("name", "subject"), OWN_NAME),
    **_columns("passkey", ("name",), OWN_NAME),
    **_columns("portal_file", ("name", "given"), SENDERS),
    **_columns("certificate_evidence", ("der",), CERTIFICATE),
    **_columns("deposit", ("name", "software"), SENDERS),
    **_columns("change", ("key",), CHANGE),
}
"""By table and column: why it stands there."""
