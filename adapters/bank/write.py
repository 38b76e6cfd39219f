"""Payment orders for the bank: direct debits (pain.008.001.08) and transfers (pain.001.001.09).

sepaxml writes the message, from amounts in whole cents. It takes ids and the moment from the machine; ours,
which are in the register, are put in their place. What leaves here is valid by the schema of ISO 20022 and
written in the characters that every SEPA bank reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lxml import etree
from sepaxml import SepaDD, SepaTransfer

from adapters.settings import Settings
from gateway.direct_debits import Collection, Refund
from gateway.moments import Received
from signing.parse import trusted_parser

DEBITS = "pain.008.001.08"
TRANSFERS = "pain.001.001.09"

_FOREIGN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")
_TEXTS = ("Nm", "Ustrd")


@dataclass(frozen=True, slots=True)
class Written:
    """A file of orders.

    Attributes:
        message: id of the message.
        content: its bytes.
        batches: under which batch (`PmtInfId`) each order stands, by end-to-end id.
    """

    message: str
    content: bytes
    batches: Mapping[str, str]


def write_debits(
    orders: Sequence[tuple[str, Collection]], settings: Settings, message: str, at: Received
) -> Written:
    """The file of some direct debits, at least one.

    Args:
        orders: each with its end-to-end id.
        settings: who we are.
        message: id of the message, unique for ever.
        at: moment of the order.
    """
    file = SepaDD(
        {**_us(settings), "creditor_id": settings.creditor_id, "instrument": "CORE"},
        schema=DEBITS,
        clean=True,
    )
    for end_to_end, one in orders:
        payment = {
            "name": one.debit.name,
            "IBAN": one.debit.iban,
            "amount": one.due.amount,
            "type": one.sequence.value,
            "collection_date": one.day,
            "mandate_id": one.debit.mandate,
            "mandate_date": one.debit.signed,
            "description": f"Cotisations {one.due.employer} extrait {one.due.number}",
            "endtoend_id": end_to_end,
        }
        file.add_payment(payment if one.debit.bic is None else {**payment, "BIC": one.debit.bic})
    return _finished(file.export(validate=False), DEBITS, message, at)


def write_transfers(
    orders: Sequence[tuple[str, Refund]], settings: Settings, message: str, at: Received
) -> Written:
    """The file of some refunds, at least one; see `write_debits`."""
    file = SepaTransfer(_us(settings), schema=TRANSFERS, clean=True)
    for end_to_end, one in orders:
        file.add_payment(
            {
                "name": one.account.name,
                "IBAN": one.account.iban,
                "amount": one.asked.amount,
                "execution_date": one.day,
                "description": f"Remboursement {one.asked.employer}",
                "endtoend_id": end_to_end,
            }
        )
    return _finished(file.export(validate=False), TRANSFERS, message, at)


def plain(text: str) -> str:
    """A text in the characters that every SEPA bank reads; what is none of them is a blank."""
    return " ".join(_FOREIGN.sub(" ", text).split())


def _us(settings: Settings) -> dict[str, object]:
    return {
        "name": settings.creditor_name,
        "IBAN": settings.creditor_iban,
        "BIC": settings.creditor_bic,
        "batch": True,
        "currency": "EUR",
    }


def _finished(content: bytes, schema: str, message: str, at: Received) -> Written:
    """The file under our ids and our moment, valid by its schema."""
    root = etree.fromstring(content, trusted_parser())
    within = {"p": f"urn:iso:std:iso:20022:tech:xsd:{schema}"}
    (header,) = root.iterfind(".//p:GrpHdr", within)
    for name, text in (("MsgId", message), ("CreDtTm", f"{at.at:%Y-%m-%dT%H:%M:%SZ}")):
        (node,) = header.iterfind(f"p:{name}", within)
        node.text = text
    batches: dict[str, str] = {}
    for number, batch in enumerate(root.iterfind(".//p:PmtInf", within), 1):
        (identifier,) = batch.iterfind("p:PmtInfId", within)
        identifier.text = f"{message}-{number}"
        batches.update(
            (node.text or "", identifier.text) for node in batch.iterfind(".//p:EndToEndId", within)
        )
    for name in _TEXTS:
        for node in root.iterfind(f".//p:{name}", within):
            node.text = plain(node.text or "")
    _schema(schema).assertValid(root)
    raw = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Written(message, raw, batches)


@cache
def _schema(name: str) -> etree.XMLSchema:
    file = files("sepaxml") / "schemas" / f"{name}.xsd"
    return etree.XMLSchema(etree.fromstring(file.read_bytes(), trusted_parser()))
