"""Every document that goes back: read(write(x)) == x, over bytes, and its form admits it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway import wire
from gateway.batch import Header
from gateway.moments import Received
from gateway.returns import (
    ackrec,
    acktrt,
    affret,
    annuel,
    avicle,
    calcul,
    calend,
    cerret,
    certif,
    chapro,
    chgmat,
    depmax,
    detret,
    difcal,
    empass,
    empret,
    extcpt,
    fail,
    intret,
    jouhed,
    lisper,
    malret,
    manass,
    manret,
    matass,
    matret,
    matuti,
    ownret,
    recouv,
    recret,
    salman,
    salret,
    simres,
    utiret,
)
from tests.returns import documents, simulated
from xsd import catalogue

DAY = Received(datetime(2026, 8, 3, 9, 0, tzinfo=UTC)).day

EVERY_RETURN = {
    ackrec: documents.receipts,
    acktrt: documents.acknowledgements(),
    fail: documents.failures(),
    matass: documents.assignments,
    matret: documents.rejected_records(matret.NAMES),
    affret: documents.rejected_records(affret.NAMES),
    salret: documents.rejected_records(salret.NAMES),
    malret: documents.rejected_records(malret.NAMES),
    matuti: documents.numbered_companies,
    utiret: documents.rejected_records(utiret.NAMES),
    empass: documents.numbered_employers,
    empret: documents.rejected_records(empret.NAMES),
    manass: documents.settled_mandates,
    manret: documents.rejected_records(manret.NAMES),
    certif: documents.certificates,
    cerret: documents.rejected_records(cerret.NAMES),
    recret: documents.rejected_records(recret.NAMES),
    ownret: documents.rejected_records(ownret.NAMES),
    difcal: documents.comparisons,
    simres: simulated.simulations,
    recouv: documents.recovery_notices,
    detret: documents.rejected_records(detret.NAMES),
    intret: documents.rejected_records(intret.NAMES),
    calcul: documents.calculations,
    extcpt: documents.statements,
    salman: documents.missing_wages,
    lisper: documents.staff_lists,
    chapro: documents.counted_employees,
    chgmat: documents.changes,
    avicle: documents.key_news,
    calend: documents.calendars,
    jouhed: documents.heads,
    annuel: documents.annual_statements,
    depmax: documents.over_ceilings,
}


def over_the_wire(root: etree._Element) -> etree._Element:
    """What the recipient parses, of what we canonicalise and send."""
    return etree.fromstring(etree.tostring(root, method="c14n", exclusive=True))


@pytest.mark.parametrize("module", EVERY_RETURN, ids=lambda module: module.CODE)
@given(choice=st.data())
@settings(deadline=None)
def test_a_document_has_its_form_and_reads_back_as_it_was(module: ModuleType, choice: st.DataObject) -> None:
    document = choice.draw(EVERY_RETURN[module])
    received = over_the_wire(module.write(document))
    catalogue().form(module.CODE, "1.0", DAY).validate(received)
    assert module.read(received) == document


@pytest.mark.parametrize(
    ("module", "sent"),
    [
        (matret, "DEMMAT"),
        (affret, "DECAFF"),
        (salret, "DECSAL"),
        (malret, "DECMAL"),
        (utiret, "DEMUTI"),
        (empret, "DEMEMP"),
        (manret, "DEMMAN"),
        (cerret, "DEMCER"),
        (recret, "DECREC"),
        (ownret, "OWNCAL"),
        (intret, "DECINT"),
        (detret, "DEMDET"),
    ],
    ids=[
        "MATRET",
        "AFFRET",
        "SALRET",
        "MALRET",
        "UTIRET",
        "EMPRET",
        "MANRET",
        "CERRET",
        "RECRET",
        "OWNRET",
        "INTRET",
        "DETRET",
    ],
)
def test_a_return_gives_back_every_field_of_the_record_sent(module: ModuleType, sent: str) -> None:
    assert tuple(field.name for field in catalogue().form(sent, "1.0", DAY).fields) == module.NAMES


@given(documents.batch_headers)
def test_a_written_batch_has_its_form(header: Header) -> None:
    wage = {
        "Employer": "2099990001299",
        "Insured": "1893120105732",
        "Period": "2026-07",
        "BaseWage": "3500.00",
        "WorkHours": "173",
    }
    catalogue().form("DECSAL", "1.0", DAY).validate(over_the_wire(wire.write_batch(header, "Wage", [wage])))
