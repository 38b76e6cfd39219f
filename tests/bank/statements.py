"""Statements and notifications as banks write them, in any version: made up, with accounts of nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from stdnum import iban

from adapters.settings import Settings
from gateway.money import euro

OURS = Settings().creditor_iban
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"


def account(number: int) -> str:
    """An account with right check digits at a bank that does not exist."""
    bare = f"999{number:013d}"
    return "LU" + iban.calc_check_digits(f"LU00{bare}") + bare


@dataclass(frozen=True)
class Told:
    """A transaction of an entry. `amount` in cents, above zero; None is left out."""

    amount: int | None = None
    text: str | Sequence[str] = ()
    structured: str | None = None
    end_to_end: str | None = None
    reference: str | None = None
    name: str = "Société fictive"
    iban: str | None = field(default_factory=lambda: account(1))
    reason: str | None = None
    mandate: str | None = None
    currency: str = "EUR"


@dataclass(frozen=True)
class Booked:
    """An entry. `amount` in cents, positive for money in."""

    amount: int
    details: Sequence[Told] = ()
    reference: str | None = None
    day: str = "2026-03-10"
    status: str = "BOOK"
    code: str = "PMNT/RCDT/ESCT"
    reversal: bool = False
    currency: str = "EUR"
    batch: tuple[str, int] | None = None
    written: str | None = None


def camt(
    entries: Sequence[Booked],
    message: str = "camt.053.001.08",
    *,
    of: str = OURS,
    identifier: str = "STMT-1",
    opening: int | None = 100_00,
    closing: int | None = None,
) -> bytes:
    """A file of the bank with one statement or notification."""
    version = int(message[-2:])
    outer, inner, known = (
        ("BkToCstmrStmt", "Stmt", "053")
        if message.startswith("camt.053")
        else ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "054")
    )
    end = (
        closing
        if closing is not None
        else (opening or 0) + sum(one.amount for one in entries if one.status == "BOOK")
    )
    balances = ""
    if known == "053":
        balances = _balance("OPBD", opening or 0, version) + _balance("CLBD", end, version)
    body = "".join(_entry(one, version) for one in entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}{message}"><{outer}>'
        f"<GrpHdr><MsgId>M-{identifier}</MsgId><CreDtTm>2026-03-10T20:00:00</CreDtTm></GrpHdr>"
        f"<{inner}><Id>{identifier}</Id><CreDtTm>2026-03-10T20:00:00</CreDtTm>"
        f"<Acct><Id><IBAN>{of}</IBAN></Id></Acct>{balances}{body}</{inner}></{outer}></Document>\n"
    ).encode()


def _balance(code: str, cents: int, version: int) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(abs(cents))}"
        f"<CdtDbtInd>{_direction(cents)}</CdtDbtInd><Dt><Dt>2026-03-10</Dt></Dt></Bal>"
    )


def _direction(cents: int) -> str:
    return "CRDT" if cents >= 0 else "DBIT"


def _amount(cents: int, currency: str = "EUR", written: str | None = None) -> str:
    return f'<Amt Ccy="{currency}">{written or euro(cents)}</Amt>'


def _tag(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def _code(code: str) -> str:
    domain, family, sub = code.split("/")
    within = f"<Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd>"
    return f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly>{within}</Fmly></Domn></BkTxCd>"


def _entry(one: Booked, version: int) -> str:
    status = f"<Sts><Cd>{one.status}</Cd></Sts>" if version >= 7 else f"<Sts>{one.status}</Sts>"
    reversal = "<RvslInd>true</RvslInd>" if one.reversal else ""
    batch = ""
    if one.batch is not None:
        batch = f"<Btch><PmtInfId>{one.batch[0]}</PmtInfId><NbOfTxs>{one.batch[1]}</NbOfTxs></Btch>"
    details = batch + "".join(_detail(told, one, version) for told in one.details)
    return (
        f"<Ntry>{_amount(abs(one.amount), one.currency, one.written)}"
        f"<CdtDbtInd>{_direction(one.amount)}</CdtDbtInd>{reversal}{status}"
        f"<BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.day}</Dt></ValDt>"
        f"{_tag('AcctSvcrRef', one.reference)}{_code(one.code)}"
        + (f"<NtryDtls>{details}</NtryDtls>" if details else "")
        + "</Ntry>"
    )


def _detail(told: Told, entry: Booked, version: int) -> str:
    references = (
        _tag("AcctSvcrRef", told.reference)
        + _tag("EndToEndId", told.end_to_end)
        + _tag("MndtId", told.mandate)
    )
    lines = [told.text] if isinstance(told.text, str) else told.text
    remittance = "".join(_tag("Ustrd", line) for line in lines if line)
    if told.structured is not None:
        remittance += f"<Strd><CdtrRefInf>{_tag('Ref', told.structured)}</CdtrRefInf></Strd>"
    role = "Dbtr" if entry.amount > 0 or "IDDT" in entry.code else "Cdtr"
    name = _tag("Nm", told.name)
    party = f"<Pty>{name}</Pty>" if version >= 7 else name
    parties = f"<{role}>{party}</{role}>"
    if told.iban is not None:
        parties += f"<{role}Acct><Id><IBAN>{told.iban}</IBAN></Id></{role}Acct>"
    returned = ""
    if told.reason is not None:
        returned = f"<RtrInf><Rsn><Cd>{told.reason}</Cd></Rsn></RtrInf>"
    return (
        f"<TxDtls><Refs>{references}</Refs>{_detail_amount(told, entry, version)}"
        f"<RltdPties>{parties}</RltdPties>"
        + (f"<RmtInf>{remittance}</RmtInf>" if remittance else "")
        + returned
        + "</TxDtls>"
    )


def _detail_amount(told: Told, entry: Booked, version: int) -> str:
    """Version 2 has amounts of transactions in their details only; 3 to 7 always beside the direction."""
    amount = told.amount
    if amount is None and 3 <= version <= 7:
        amount = abs(entry.amount)
    if amount is None:
        return ""
    if version == 2:
        return f"<AmtDtls><TxAmt>{_amount(amount, told.currency)}</TxAmt></AmtDtls>"
    return f"{_amount(amount, told.currency)}<CdtDbtInd>{_direction(entry.amount)}</CdtDbtInd>"
