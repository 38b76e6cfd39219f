"""Statements (camt.053) and notifications (camt.054) of the bank, versions 02 to 12, read into payments.

Order of checks, first that fails refuses the file; nothing of a refused file is booked:

1. not larger than allowed, and XML as our own parser takes it: no document type, no entities, no comments;
2. a message and a version that are known, by the namespace of the root;
3. valid by the schema that ISO 20022 publishes for that version;
4. about our own account;
5. a statement adds up: opening balance and booked entries give the closing balance.

Then only does the library read the tree that was checked (xsdata, with the classes of pyiso20022).

What makes a booking this booking and no other, in both messages and however often a file is sent: the day
of the booking, the bank's own reference (`AcctSvcrRef`, of the transaction, else of the entry and the
transaction's place in it) and the amount in cents. The day and the amount are part of it because banks use
references again. Without a reference of the bank: a digest of what is told about the transaction. What
stands in one file several times alike is several bookings: they are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.resources import files
from typing import cast

from lxml import etree
from xsdata.formats.dataclass.context import XmlContext
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.handlers import LxmlEventHandler

from gateway.payments import BankFile, Held, Payment, PaymentAnomaly, is_return
from signing.parse import Limits, Unreadable, parse, trusted_parser

LARGEST = 100_000_000
"""Bytes of a file, at most: some 50,000 bookings."""
CURRENCY = "EUR"

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_MESSAGE = re.compile(r"camt\.(053|054)\.001\.(0[2-9]|1[0-2])")
_BOOKED = "BOOK"
_NOT_SPECIFIED = "MS03"
_NO_ID = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED"})
_OPENING = ("OPBD", "PRCD")
_CLOSING = "CLBD"


class BankFileRefused(Exception):
    """A file of the bank that is not taken.

    Attributes:
        key: BANK-SIZE, BANK-XML, BANK-MESSAGE, BANK-FORM, BANK-ACCOUNT or BANK-BALANCE.
        reason: what is wrong, in English.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


def read(raw: bytes, account: str) -> tuple[BankFile, ...]:
    """What a file of the bank tells, one `BankFile` for each statement or notification in it.

    Args:
        raw: the bytes of the file.
        account: IBAN of our account, without blanks.

    Raises:
        BankFileRefused: for the first of the checks that fails.
    """
    if len(raw) > LARGEST:
        raise BankFileRefused("BANK-SIZE", f"more than {LARGEST} bytes")
    try:
        root = parse(raw, Limits(text=20_000))
    except Unreadable as error:
        raise BankFileRefused("BANK-XML", str(error)) from None
    message = _message(root)
    schema = _schema(message)
    if not schema.validate(root):
        first = schema.error_log.filter_from_errors()[0]  # type: ignore[attr-defined]
        raise BankFileRefused("BANK-FORM", f"line {first.line}: {first.message}"[:300])
    document: object = _parser().parse(etree.ElementTree(root), _document(message))
    reports = _many(document, "bk_to_cstmr_stmt.stmt") or _many(document, "bk_to_cstmr_dbt_cdt_ntfctn.ntfctn")
    return tuple(_Report(report, message, account).read() for report in reports)


def _message(root: etree._Element) -> str:
    name = etree.QName(root)
    message = (name.namespace or "").removeprefix(_NAMESPACE)
    if name.localname != "Document" or _MESSAGE.fullmatch(message) is None:
        told = f"{{{name.namespace}}}{name.localname}" if name.namespace else name.localname
        raise BankFileRefused("BANK-MESSAGE", f"neither a camt.053 nor a camt.054, versions 02 to 12: {told}")
    return message


@cache
def _schema(message: str) -> etree.XMLSchema:
    file = files("adapters.bank") / "schemas" / f"{message}.xsd"
    return etree.XMLSchema(etree.fromstring(file.read_bytes(), trusted_parser()))


@cache
def _document(message: str) -> type:
    name = message.replace(".", "_")
    module = import_module(f"pyiso20022.camt.{name}.{name}")
    return cast(type, module.Document)


@cache
def _context() -> XmlContext:
    """Kept, because it remembers the classes of a message once it has looked at them."""
    return XmlContext()


def _parser() -> XmlParser:
    return XmlParser(context=_context(), handler=LxmlEventHandler)


@dataclass(frozen=True, slots=True)
class _Money:
    """An amount as the bank wrote it; positive for money in."""

    value: Decimal
    currency: str

    @property
    def cents(self) -> int | None:
        """In cents; None when not in euro and whole cents."""
        exact = self.value.scaleb(2)
        return int(exact) if self.currency == CURRENCY and exact == int(exact) else None

    def __str__(self) -> str:
        return f"{self.value} {self.currency}"


@dataclass(frozen=True, slots=True)
class _Report:
    """One statement or notification."""

    node: object
    message: str
    account: str
    alike: Counter[str] = field(default_factory=Counter)

    def read(self) -> BankFile:
        told = _text(self.node, "acct.id.iban")
        if told != self.account:
            other = told or _text(self.node, "acct.id.othr.id")
            raise BankFileRefused("BANK-ACCOUNT", f"about the account {other}, not {self.account}")
        booked = [entry for entry in _many(self.node, "ntry") if _status(entry) == _BOOKED]
        self._check_balance(booked)
        read = [one for entry in booked for one in self._entry(entry)]
        return BankFile(
            id=_text(self.node, "id") or "",
            message=self.message,
            account=self.account,
            payments=tuple(one for one in read if isinstance(one, Payment)),
            held=tuple(one for one in read if isinstance(one, Held)),
        )

    def _check_balance(self, booked: Sequence[object]) -> None:
        """A statement of one page with both balances adds up; a page of several does not have to."""
        balances = {_text(one, "tp.cd_or_prtry.cd"): _money(one) for one in _many(self.node, "bal")}
        opening = next((balances[code] for code in _OPENING if code in balances), None)
        closing = balances.get(_CLOSING)
        paged = _one(self.node, "stmt_pgntn") is not None or any(
            _text(one, "tp.sub_tp.cd") for one in _many(self.node, "bal")
        )
        if opening is None or closing is None or paged:
            return
        amounts = [opening, *(_money(entry) for entry in booked)]
        if len({closing.currency, *(one.currency for one in amounts)}) > 1:
            return
        total = sum(one.value for one in amounts)
        if total != closing.value:
            raise BankFileRefused("BANK-BALANCE", f"the entries lead to {total}, not to {closing}")

    def _entry(self, entry: object) -> Iterator[Payment | Held]:
        """An entry, split into what it consists of; what is about no money is passed over."""
        money = _money(entry)
        servicer = _text(entry, "acct_svcr_ref")
        booked = _day(entry, "bookg_dt") or _day(entry, "val_dt") or self._made
        if not money.value:
            return
        if money.cents is None:
            name = servicer or _digest(_text(entry, "ntry_ref"))
            held = self._counted(f"{booked:%Y%m%d}/{name}/{money}")
            yield Held(held, self.account, booked, str(money))
            return
        key = None if servicer is None else f"{booked:%Y%m%d}/{servicer}/{money.cents}"
        details = [one for group in _many(entry, "ntry_dtls") for one in _many(group, "tx_dtls")]
        amounts = _amounts(details, money)
        if not details or amounts is None:
            whole = self._payment(entry, None, booked, money.cents)
            yield self._keyed(_whole(whole, entry, details), servicer, key)
            return
        for number, (detail, amount) in enumerate(zip(details, amounts, strict=True), 1):
            place = servicer and (servicer if len(details) == 1 else f"{servicer}.{number}")
            reference = _text(detail, "refs.acct_svcr_ref") or place
            if amount:
                yield self._keyed(self._payment(entry, detail, booked, amount), reference, key)

    def _keyed(self, told: Payment, reference: str | None, entry: str | None) -> Payment:
        """A payment with what makes it this one and no other."""
        own = self._counted(f"{told.booked:%Y%m%d}/{reference or _digest(*_words(told))}/{told.amount}")
        return replace(told, reference=own, entry=entry or own)

    def _counted(self, key: str) -> str:
        """A key that came before in the same report is another booking of the bank's: it is counted."""
        self.alike[key] += 1
        return key if self.alike[key] == 1 else f"{key}.{self.alike[key]}"

    def _payment(self, entry: object, detail: object, booked: date, cents: int) -> Payment:
        domain = _one(detail, "bk_tx_cd.domn.fmly") or _one(entry, "bk_tx_cd.domn.fmly")
        family = _text(domain, "cd")
        # In a return the parties keep the roles of what is returned.
        party = "dbtr" if cents > 0 or family == "IDDT" else "cdtr"
        references = [_text(one, "cdtr_ref_inf.ref") for one in _many(detail, "rmt_inf.strd")]
        return Payment(
            reference="",
            entry="",
            account=self.account,
            booked=booked,
            value=_day(entry, "val_dt") or booked,
            amount=cents,
            name=_text(detail, f"rltd_pties.{party}.nm") or _text(detail, f"rltd_pties.{party}.pty.nm"),
            iban=_text(detail, f"rltd_pties.{party}_acct.id.iban"),
            remittance=" ".join(str(line) for line in _many(detail, "rmt_inf.ustrd")),
            structured=" ".join(one for one in references if one is not None) or None,
            end_to_end=_id(detail, "refs.end_to_end_id"),
            mandate=_id(detail, "refs.mndt_id"),
            family=family,
            returned=_returned(detail, domain),
        )

    @property
    def _made(self) -> date:
        return _date(_text(self.node, "cre_dt_tm") or "")


def _digest(*words: object) -> str:
    """A reference for what the bank gave none: the same for the same words."""
    return "~" + sha256("\x1f".join(map(str, words)).encode()).hexdigest()[:20]


def _words(payment: Payment) -> tuple[object, ...]:
    """What the bank tells about a payment, as far as statement and notification tell the same."""
    return (
        payment.value,
        payment.iban,
        payment.remittance,
        payment.structured,
        payment.end_to_end,
        payment.returned,
    )


def _whole(payment: Payment, entry: object, details: Sequence[object]) -> Payment:
    """An entry that is not split: its details are not told, or do not add up."""
    if details:
        return replace(payment, anomaly=PaymentAnomaly.SUM, parts=len(details))
    batch = next((_one(group, "btch") for group in _many(entry, "ntry_dtls")), None)
    parts = int(_text(batch, "nb_of_txs") or "1")
    return replace(payment, batch=_id(batch, "pmt_inf_id"), parts=parts)


def _amounts(details: Sequence[object], entry: _Money) -> list[int] | None:
    """Cents of each transaction of an entry; None when they do not add up to it."""
    if len(details) == 1 and _detail_money(details[0], entry) is None:
        return [cents] if (cents := entry.cents) is not None else None
    told = [_detail_money(one, entry) for one in details]
    amounts = [one.cents for one in told if one is not None and one.cents is not None]
    return amounts if len(amounts) == len(details) and sum(amounts) == entry.cents else None


def _status(entry: object) -> str | None:
    return _text(entry, "sts.cd") or _text(entry, "sts")


def _money(node: object) -> _Money:
    """The amount of an entry or a balance, with its direction."""
    value = cast(Decimal, _one(node, "amt.value"))
    sign = -1 if _text(node, "cdt_dbt_ind") == "DBIT" else 1
    return _Money(sign * value, _text(node, "amt.ccy") or "")


def _detail_money(detail: object, entry: _Money) -> _Money | None:
    """The amount of one transaction; None when the bank does not tell it in the currency of the entry."""
    direction = _text(detail, "cdt_dbt_ind")
    sign = -1 if direction == "DBIT" or (direction is None and entry.value < 0) else 1
    for path in ("amt", "amt_dtls.tx_amt.amt", "amt_dtls.instd_amt.amt"):
        value, currency = _one(detail, f"{path}.value"), _text(detail, f"{path}.ccy")
        if value is not None and currency == entry.currency:
            return _Money(sign * cast(Decimal, value), currency)
    return None


def _returned(detail: object, family: object) -> str | None:
    """The reason of a return; None for what is no return."""
    reason = _text(detail, "rtr_inf.rsn.cd") or _text(detail, "rtr_inf.rsn.prtry")
    if reason is None and (_one(detail, "rtr_inf") is not None or is_return(_text(family, "sub_fmly_cd"))):
        return _NOT_SPECIFIED
    return reason


def _id(node: object, path: str) -> str | None:
    text = _text(node, path)
    return None if text is None or text.upper() in _NO_ID else text


def _day(node: object, path: str) -> date | None:
    """The calendar day of a date or of a moment, as the bank wrote it."""
    text = _text(node, f"{path}.dt") or _text(node, f"{path}.dt_tm")
    return None if text is None else _date(text)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        # The schema knows years before the first and after the 9999th.
        raise BankFileRefused("BANK-FORM", f"no day of our calendar: {text}") from None


def _one(node: object, path: str) -> object:
    """What stands at the end of a path of names; None where nothing does, in whichever version."""
    for name in path.split("."):
        node = getattr(node, name, None)
    return node


def _many(node: object, path: str) -> list[object]:
    found = _one(node, path)
    return found if isinstance(found, list) else []


def _text(node: object, path: str) -> str | None:
    found = _one(node, path)
    value = found.value if isinstance(found, Enum) else found
    return None if value is None else str(value).strip() or None
