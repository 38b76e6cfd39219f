"""Every example batch, sent to a gateway, gives the answers that lie beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from adapters.database.members import ALL
from gateway.agreement import Agreement
from gateway.moments import Received
from gateway.names import Extension
from tests.house import EMPLOYER, INSURED, MEMBER, House, MovingClock, Sender, house, wage
from tests.pairs.pair import PAIRS, compare

AT = datetime(2026, 8, 3, 8, 0, tzinfo=UTC)


@pytest.fixture(params=sorted(folder.parent.name for folder in PAIRS.glob("*/batch.xml")))
def pair(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, clock=MovingClock(AT)) as made:
        made.employer(EMPLOYER)
        made.affiliate(INSURED)
        yield made


def test_a_batch_gives_the_answers_beside_it(home: House, pair: str) -> None:
    # An agency may use every procedure but one: it declares postings by DECINT.
    kind = "employer" if pair.startswith("DEMDET") else "agency"
    sender: Sender = home.sender(MEMBER, [EMPLOYER], kind=kind)
    if pair.startswith("DECREC"):  # what it repeats must have been declared
        home.send(sender, "DECSAL", [wage(Period="2026-06")])
    if pair.startswith("OWNCAL"):  # which needs an authorisation of its own
        authorised = Agreement(ALL, own_computation=True)
        home.gateway.members.agree(sender.member, authorised, Received(home.clock()))
    root = etree.parse(PAIRS / pair / "batch.xml", etree.XMLParser(remove_blank_text=True)).getroot()
    code = pair.partition("-")[0]
    scans = {file.name: file.read_bytes() for file in sorted((PAIRS / pair).glob("*.JPG"))}
    if scans:
        content = sender.signer.sign_container({"batch.xml": etree.tostring(root), **scans}, AT)
    else:
        content = sender.signer.sign(root, AT)
    name = home.name(code, MEMBER, Extension.ASICE if scans else Extension.XML)
    receipt = home.receive(sender, name, content)
    compare(PAIRS / pair, home.outcome(sender, receipt.deposit).answers)
