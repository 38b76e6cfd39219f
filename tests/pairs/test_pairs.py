"""Every example batch, sent to a gateway, gives the answers that lie beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from tests.house import EMPLOYER, INSURED, MEMBER, House, MovingClock, Sender, house
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
    sender: Sender = home.sender(MEMBER, [EMPLOYER], kind="agency")  # may use every procedure
    root = etree.parse(PAIRS / pair / "batch.xml", etree.XMLParser(remove_blank_text=True)).getroot()
    code = pair.partition("-")[0]
    content = sender.signer.sign(root, AT)
    receipt = home.receive(sender, home.name(code, MEMBER), content)
    compare(PAIRS / pair, home.outcome(sender, receipt.deposit).answers)
