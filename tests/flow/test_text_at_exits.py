"""SR-9: what a sender wrote is data wherever it leaves the house: answer, page, CSV, log.

The `.dta` exit has its own tests (test_dta_answers.py); so have the page of an INFO (test_fail_and_info.py)
and headers (tests/doors/test_text_in_headers.py).
"""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.ledger.institutions import to_csv
from gateway.pages import legible
from tests.house import House, Sender, wage

TEXTS = {
    "formula": '=HYPERLINK("http://127.0.0.1:9/"&A1)',
    "formula with a plus": "+cmd|' /C calc'!A0",
    "formula with an at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "typst call": '#read("/etc/passwd")',
    "typst raw": "`#` $x$ *b* _i_ <label> @ref \\ #sys.inputs",
    "markup": "<script>alert(1)</script>&amp;]]>",
    "template": "{{7*7}}${7*7}%{7*7}",
    "percent": "%s%n%x%00%0d%0a",
    "shell": "`id`$(id);id|id&&id",
    "quotes": "'\";\\",
    "right to left": "abc\u202ecod.exe\u2066",
    "zero width": "a\u200bb\ufeffc",
    "very long": "x" * 100_000,
    "emoji": "👩‍👩‍👧‍👦🇱🇺",
}
CANARY = "CANARY9d41"


@pytest.mark.parametrize("name", TEXTS)
def test_in_an_answer_it_stands_as_it_was_written(home: House, sender: Sender, name: str) -> None:
    text = TEXTS[name][:90_000]
    outcome = home.send(sender, "DECSAL", [wage(BaseWage=text)])
    assert outcome.codes == ["SALRET-4"]
    answer = etree.fromstring(outcome.answers["SALRET"])
    assert [found.text for found in answer.iter("{*}BaseWage")] == [text[:200]]
    (anomaly,) = outcome.acknowledgement.anomalies
    assert anomaly.value == text[:200]


@settings(deadline=None)
@given(st.text(max_size=200))
def test_on_a_page_nothing_stands_that_cannot_be_seen(text: str) -> None:
    shown = legible(text)
    assert len(shown) <= 24
    assert all(unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for letter in shown)


@settings(deadline=None)
@given(st.lists(st.text(max_size=30) | st.sampled_from(sorted(TEXTS.values())), min_size=1, max_size=5))
def test_in_csv_nothing_is_a_formula(texts: list[str]) -> None:
    kept = [text.replace("\0", "").replace("\r", "") for text in texts]
    written = to_csv([{"text": text, "amount": "-1.00"} for text in kept])
    _, *rows = csv.reader(io.StringIO(written, newline=""))
    assert len(rows) == len(kept)
    for (cell, amount), text in zip(rows, kept, strict=True):
        assert amount == "-1.00"
        assert not cell.startswith(("=", "+", "@", "\t"))
        assert cell in (text, f"'{text}")


def test_control_without_the_apostrophe_a_formula_would_stand_there() -> None:
    assert to_csv([{"text": "=1+1"}]).splitlines()[1] == "'=1+1"
    assert TEXTS["formula"].startswith("=")


def test_in_the_log_stands_none_of_it(home: House, sender: Sender, capfd: pytest.CaptureFixture[str]) -> None:
    bad = wage(Reference=f"{CANARY}\u202e", BaseWage=CANARY, Insured=f"=\x1b[2J{CANARY}".replace("\x1b", ""))
    home.send(sender, "DECSAL", [bad])
    content = home.batch(sender, "DECSAL", [wage(Reference=CANARY)])[:-30]
    receipt = home.receive(sender, f"{CANARY}\n\x1b[31m.XML", content)
    assert home.outcome(sender, receipt.deposit).verdict == "rejected"
    out, err = capfd.readouterr()
    assert CANARY not in out + err
