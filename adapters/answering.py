"""Putting an answer on a member's shelf, in the form that was agreed with the member."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from lxml import etree

from adapters.database.answers import Shelves
from adapters.database.members import agreement_of
from adapters.pdf import typeset
from gateway import dta_answers, names
from gateway.agreement import Spelling
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.returns import extcpt, fail, info
from gateway.seal import Seal
from outbox.post import Answer, post

INVOICE = "FACTUR"
"""The type in the name of an invoice in UBL, which no form of ours is called by."""


def give(
    connection: sa.Connection,
    seal: Seal,
    member: MemberId,
    document: etree._Element,
    at: datetime,
    deposit: str | None = None,
) -> Answer:
    """Seal an answer and put it on a member's shelf.

    Args:
        connection: in the transaction of what it tells.
        seal: ours.
        member: to whom it goes.
        document: the answer as it is written, unsigned.
        at: the moment of posting.
        deposit: id of the deposit it answers, if one.
    """
    kind = etree.QName(document).localname
    shelves = Shelves(connection)
    file = _as_dta(connection, member, document, Received(at))
    if file is None:
        name, content = shelves.free_name(kind, member, at), seal.sign(document, at)
    else:
        name = shelves.free_name(kind, member, at, names.Extension.ASICE)
        stamp = names.parse(name).stamp
        content = seal.sign_files({dta_answers.file_name(kind, member, stamp): file}, at)
    return post(
        shelves,
        recipient=str(member),
        kind=kind,
        name=name,
        content=content,
        posted=at,
        deposit=deposit,
    )


def give_failure(
    connection: sa.Connection, seal: Seal, member: MemberId, document: fail.Failure, at: datetime
) -> Answer:
    """Seal a FAIL and put it on a member's shelf, called after the file that was refused.

    Args:
        connection: in the transaction of the refusal.
        seal: ours.
        member: to whom it goes.
        document: the answer.
        at: the moment of posting.
    """
    refused = document.header.deposit
    assert refused is not None
    shelves = Shelves(connection)
    name = shelves.of_failed(names.failed(refused.name, member, refused.received.at))
    return post(
        shelves,
        recipient=str(member),
        kind=fail.CODE,
        name=str(name),
        content=seal.sign(fail.write(document), at),
        posted=at,
        deposit=refused.id,
    )


def give_page(
    connection: sa.Connection, seal: Seal, member: MemberId, page: info.Information, at: datetime
) -> Answer:
    """Set an INFO as PDF and put it on a member's shelf, in a sealed container.

    Args:
        connection: in the transaction of what it explains.
        seal: ours.
        member: to whom it goes.
        page: what it says.
        at: the moment of posting.
    """
    shelves = Shelves(connection)
    name = shelves.later(names.information(info.PROCEDURE, member, at))
    inside = replace(name, extension=names.Extension.PDF)
    return post(
        shelves,
        recipient=str(member),
        kind=info.CODE,
        name=str(name),
        content=seal.sign_files({str(inside): typeset("info", info.spell(page), at)}, at),
        posted=at,
        deposit=page.deposit.id,
    )


def give_statement(
    connection: sa.Connection, seal: Seal, member: MemberId, *, page: bytes, invoice: bytes, at: datetime
) -> Answer:
    """Put what people and their bookkeeping read beside an EXTCPT on a shelf, in one sealed container.

    Args:
        connection: in a transaction of its own: pages take their time and are set before it.
        seal: ours.
        member: to whom it goes.
        page: the statement as PDF (`adapters.pdf.statement`).
        invoice: the same in UBL (`adapters.invoices`).
        at: the moment of posting.
    """
    shelves = Shelves(connection)
    name = shelves.later(names.information(extcpt.CODE, member, at))
    files = {
        str(replace(name, extension=names.Extension.PDF)): page,
        str(names.FileName(INVOICE, name.stamp, member, incoming=False)): invoice,
    }
    return post(
        shelves,
        recipient=str(member),
        kind=info.CODE,
        name=str(name),
        content=seal.sign_files(files, at),
        posted=at,
    )


def _as_dta(
    connection: sa.Connection, member: MemberId, document: etree._Element, now: Received
) -> bytes | None:
    agreed = agreement_of(connection, member, now)
    if agreed is None or agreed.answers is not Spelling.DTA:
        return None
    return dta_answers.spell(document, member, now.day)
