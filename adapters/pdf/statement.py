"""The PDF of an account statement: what a person reads, with the signed statement itself attached."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime
from decimal import Decimal

from adapters.pdf import typeset
from gateway.billing.statement import AccountStatement, Calculation
from gateway.returns.statement_page import spell, transferred

_MOST_CENTS = 999_999_999_99
"""No more can be asked for by a code (EPC069-12)."""


def statement_page(
    statement: AccountStatement,
    calculation: Calculation,
    xml: bytes,
    language: str,
    at: datetime,
    *,
    test: bool,
) -> bytes:
    """An account statement as PDF/A-3a and PDF/UA-1.

    Args:
        statement: what is charged.
        calculation: the detail behind it, shown in the annex.
        xml: the signed EXTCPT, which is attached as it is; UTF-8.
        language: `fr`, `de` or `en`.
        at: the moment that stands in the file as that of its making; aware.
        test: whether it comes from a test environment: said in red, and without a code to pay by.
    """
    content = spell(statement, calculation, language, digest=hashlib.sha256(xml).hexdigest(), test=test)
    content["qr"] = None if test else payment_code(statement)
    return typeset("statement", content, at, attached=xml)


def payment_code(statement: AccountStatement, scale: int = 1) -> str | None:
    """The transfer as an EPC QR code in SVG; None where there is none to make.

    The code holds the payee, the amount and the employer matricule, by which payments are matched.

    Args:
        scale: units of the picture for each dot.
    """
    if not transferred(statement) or statement.payable > _MOST_CENTS:
        return None
    # Only loaded by a gateway that writes statements.
    from segno import helpers  # noqa: PLC0415

    payee = statement.payee
    code = helpers.make_epc_qr(
        name=payee.name,
        iban=payee.iban,
        bic=payee.bic,
        amount=Decimal(statement.payable).scaleb(-2),
        text=statement.employer,
    )
    svg = io.BytesIO()
    code.save(svg, kind="svg", border=2, scale=scale, xmldecl=False)
    return svg.getvalue().decode()
