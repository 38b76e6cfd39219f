"""Account statements as electronic invoices: UBL 2.1 after the European standard EN 16931.

An account statement is more than an invoice: it also tells the balance before and what was paid. The invoice
is about what the statement newly charges or credits: contributions of the month, corrections, refunds of the
Mutualité des employeurs, interest, fines, fees and adjustments. Whoever books every invoice at its total
(BT-112) and every payment has the balance of the account. What is new and negative in all is a credit note.

What is to be paid for it (BT-115) is by how much it raises what the employer has to pay: where the
account was in credit, as much of that as is used up stands as paid already (BT-113); what remains of a
credit note when all debts are settled is kept on the account, and stands as paid as well. An older debt
stands in the invoices that it comes from and is only told in a note, never asked for twice. Nothing is
ever rounded.

Social security contributions are outside the scope of VAT: category O, without any VAT number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.billing.statement import AccountStatement, Movement, Terms
from gateway.moments import Period
from gateway.money import euro
from gateway.pages import amount
from gateway.returns.statement_page import Speech, payment_text

_INVOICE, _CREDIT_NOTE = "380", "381"
_TRANSFER, _DIRECT_DEBIT = "58", "59"
_PIECE = "C62"
_OUT_OF_SCOPE = {"BT-118": "O", "BT-121": "VATEX-EU-O"}
_MONEY = frozenset({Movement.PAYMENT, Movement.DIRECT_DEBIT, Movement.RETURNED_DEBIT, Movement.CREDIT_PAID})


@dataclass(frozen=True, slots=True)
class _Line:
    """What is newly charged, in cents; negative when credited.

    Attributes:
        about: further details, if any.
        period: the month it is for, if one.
    """

    name: str
    amount: int
    about: str | None = None
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class _Sums:
    """What an invoice comes to, in cents.

    Attributes:
        charged: newly, in all; negative for a credit note.
        before: the balance of the account without it.
    """

    charged: int
    before: int

    @property
    def credit_note(self) -> bool:
        return self.charged < 0

    @property
    def payable(self) -> int:
        """By how much it changes what the employer has to pay; never of another sign than `charged`."""
        return max(0, self.before + self.charged) - max(0, self.before)


def ubl(statement: AccountStatement, language: str) -> bytes:
    """An account statement as invoice, or as credit note when all it newly charges is negative.

    Args:
        statement: what is charged.
        language: of its texts: `fr`, `de` or `en`.
    """
    # Loads what reads and writes PDF as well: only where invoices are written.
    from facturx.generate_xml import generate_ubl_xml  # noqa: PLC0415

    speech = Speech(language)
    lines = list(_lines(speech, statement)) or [_nothing(speech, statement)]
    charged = sum(line.amount for line in lines)
    money = sum(one.amount for one in statement.bookings if one.kind in _MONEY)
    sums = _Sums(charged, statement.previous_balance + money)
    terms = {
        **_head(speech, statement, sums, money),
        **_parties(statement),
        **_payment(speech, statement, sums),
        **_totals(speech, sums),
        "BG-25": [_line(place, line, sums) for place, line in enumerate(lines, start=1)],
    }
    # Its check of rules asks a server that nobody runs here; rules and schema are run in the tests.
    xml: bytes = generate_ubl_xml(terms, level="en16931", check_xsd=False, check_schematron=False)
    return xml


def _lines(speech: Speech, statement: AccountStatement) -> Iterator[_Line]:
    """Everything newly charged that is not zero."""
    for branch in statement.branches:
        called = speech.of("branches", branch.branch)
        about = f"{speech.say('base')} {amount(branch.base)} EUR"
        for share, cents in (("employee", branch.employee), ("employer", branch.employer)):
            if cents:
                name = speech.say(f"line_{share}", branch=called)
                yield _Line(name, cents, about, statement.period)
    for month in statement.corrections:
        if month.total:
            name = speech.say("line_correction", month=speech.month(month.period))
            yield _Line(name, month.total, speech.causes(month.causes), month.period)
    for refunded in statement.refunds:
        if refunded.amount:
            name = speech.say("line_refund", month=speech.month(refunded.period))
            yield _Line(name, -refunded.amount, None, refunded.period)
    for one in statement.bookings:
        if one.amount and one.kind not in _MONEY:
            yield _Line(speech.of("movements", one.kind), one.amount, one.reference or None)


def _nothing(speech: Speech, statement: AccountStatement) -> _Line:
    """An invoice has at least one line."""
    name = speech.say("month_heading", month=speech.month(statement.period))
    return _Line(name, 0, None, statement.period)


def _head(speech: Speech, statement: AccountStatement, sums: _Sums, money: int) -> Mapping[str, object]:
    note = speech.say(
        "invoice_note",
        number=statement.number,
        previous=amount(statement.previous_balance),
        money=amount(money),
        balance=amount(statement.balance),
    )
    return {
        "BT-1": statement.number,
        "BT-2": statement.issued,
        "BT-3": _CREDIT_NOTE if sums.credit_note else _INVOICE,
        "BT-5": "EUR",
        "BT-10": statement.employer,
        "BT-73": statement.period.first,
        "BT-74": statement.period.last,
        "BG-1": [{"BT-22": note}],
    }


def _parties(statement: AccountStatement) -> Mapping[str, object]:
    # The standard wants a country of both. No more is known of the employer than that its account is here.
    return {
        "BG-4": {"name": statement.payee.name, "identifiers": {None: "CCSS"}, "country_code": "LU"},
        "BG-7": {"name": statement.name, "identifiers": {None: statement.employer}, "country_code": "LU"},
    }


def _payment(speech: Speech, statement: AccountStatement, sums: _Sums) -> Mapping[str, object]:
    due: dict[str, object] = {"BT-20": payment_text(speech, statement).replace("**", "")}
    if sums.payable <= 0:
        return due
    due["BT-9"] = statement.due
    if statement.terms is Terms.DIRECT_DEBIT:
        return due | {"BT-81": _DIRECT_DEBIT}
    return due | {
        "BT-81": _TRANSFER,
        "BT-83": statement.employer,
        "BT-84": statement.payee.iban,
        "BT-85": statement.payee.name,
        "BT-86": statement.payee.bic,
    }


def _totals(speech: Speech, sums: _Sums) -> Mapping[str, object]:
    total = euro(abs(sums.charged))
    breakdown = {
        **_OUT_OF_SCOPE,
        "BT-116": total,
        "BT-117": euro(0),
        "BT-120": speech.say("exemption"),
    }
    return {
        "BT-106": total,
        "BT-109": total,
        "BT-110": euro(0),
        "BT-112": total,
        "BT-113": euro(abs(sums.charged) - abs(sums.payable)),
        "BT-115": euro(abs(sums.payable)),
        "BG-23": [breakdown],
    }


def _line(place: int, line: _Line, sums: _Sums) -> Mapping[str, object]:
    cents = -line.amount if sums.credit_note else line.amount
    described: dict[str, object] = {
        "BT-126": str(place),
        # A price is never negative: what goes the other way is a negative number of pieces.
        "BT-129": "-1" if cents < 0 else "1",
        "BT-130": _PIECE,
        "BT-131": euro(cents),
        "BT-146": euro(abs(cents)),
        "BT-151": _OUT_OF_SCOPE["BT-118"],
        "BT-153": line.name,
    }
    if line.about is not None:
        described["BT-154"] = line.about
    if line.period is not None:
        described |= {"BT-134": line.period.first, "BT-135": line.period.last}
    return described
