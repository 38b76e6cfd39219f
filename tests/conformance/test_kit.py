"""The kit passes our own client, and fails products that are deliberately wrong, each for its own reason."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.conformance import Bench, NotTried, Product, bench, command
from gateway.client.seals import seal_verdict
from gateway.conformance import (
    CHECKS,
    Call,
    Finding,
    Known,
    NoResult,
    Result,
    Tried,
    cases,
    example,
    misunderstood,
    read_result,
    report,
)
from tests.conformance.wrong import WRONG, WRONG_ON_THE_ROAD
from tests.durability.running import command as secugate
from tests.durability.running import environment

DOCS = Path(__file__).parents[2] / "docs"
PAGES = DOCS / "senders" / "conformance.md", DOCS / "fr" / "senders" / "conformance.md"
CASES = {one.name: one for one in cases()}
OF_CASES = {call.known.kind for one in cases() for call in one.calls if call.known is not None}


def product(kind: type[example.Product]) -> Product:
    """A product in this very process."""
    return lambda word, folder: kind(folder).run(word)


@pytest.fixture(scope="module")
def tried_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as opened:
        yield opened


@pytest.mark.parametrize("case", list(CASES))
def test_our_own_client_passes(tried_on: Bench, case: str) -> None:
    assert tried_on.try_on(CASES[case], product(example.Product)).findings == ()


@pytest.mark.parametrize("check", list(WRONG))
def test_a_wrong_product_fails_for_its_own_reason(tried_on: Bench, check: str) -> None:
    wrong, case = WRONG[check]
    tried = tried_on.try_on(CASES[case], product(wrong))
    assert [finding.check for finding in tried.findings] == [check], tried.findings


@pytest.mark.parametrize(("check", "wrong", "case"), WRONG_ON_THE_ROAD)
def test_what_gets_lost_on_the_road_or_comes_again_is_no_excuse(
    tried_on: Bench, check: str, wrong: type[example.Product], case: str
) -> None:
    tried = tried_on.try_on(CASES[case], product(wrong))
    assert [finding.check for finding in tried.findings] == [check], tried.findings


def test_each_check_can_fail_and_each_kind_of_answer_is_tried() -> None:
    assert len(WRONG) >= 10
    assert {*WRONG, *(check for check, _, _ in WRONG_ON_THE_ROAD)} == set(CHECKS)
    assert set(CHECKS) >= OF_CASES
    assert {"accepted", "partial", "rejected", "held", "late", "pending"} == OF_CASES
    assert {call.word for one in cases() for call in one.calls} == {"send", "collect", "pass", "clear"}


def test_the_command_writes_a_sealed_report_and_a_badge(tmp_path: Path) -> None:
    """As the page has it, with the product in a process of its own; one case of all."""
    (written,) = re.findall(
        r"^secugate (conformance --against .*python.*)$", PAGES[0].read_text(), re.MULTILINE
    )
    words = [one.replace("python ", f"{sys.executable} ") for one in shlex.split(written)]
    words += ["--case", "accepted", "--out", str(tmp_path), "--json"]
    done = subprocess.run(
        secugate(*words), capture_output=True, text=True, env=environment(), check=False, timeout=240
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert json.loads(done.stdout)["cases"] == [{"name": "accepted", "passed": True, "findings": []}]
    sealed = (tmp_path / "report.xml").read_bytes()
    assert seal_verdict(sealed, tmp_path / "report.seal.pem") == "good"
    changed = sealed.replace(b'verdict="passed"', b'verdict="failed"')
    assert changed != sealed
    assert seal_verdict(changed, tmp_path / "report.seal.pem") != "good"
    assert "1 of 1" in "".join(ET.parse(tmp_path / "badge.svg").getroot().itertext())


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_pages_name_each_case(page: Path) -> None:
    rows = re.findall(r"^\| (`.*`) \|", page.read_text(), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`([a-z-]+)`", row)) == sorted(CASES)


def test_nothing_tried_is_nothing_passed() -> None:
    assert not report.passed([])
    failed = Tried(CASES["accepted"], (Finding("name", "<it> is called so"),))
    assert not report.passed([failed])
    assert "0 of 1" in report.badge([failed])


def test_a_command_that_cannot_be_started_is_told() -> None:
    for words in ("", "'", "/nowhere/at/all"):
        with pytest.raises(NotTried):
            command(words)("send", Path())


def test_a_result_is_read_as_anybody_may_have_written_it(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    for text in ("", "[]", "{}", '{"file": 1, "records": [], "codes": {}, "answers": []}', "[" * 100_000):
        file.write_text(text)
        with pytest.raises(NoResult):
            read_result(file)
    file.write_text('{"file": "accepted", "records": {"1": "held"}, "codes": {"0": ["A"]}, "answers": ["B"]}')
    assert read_result(file) == Result("accepted", {1: "held"}, {0: frozenset("A")}, ("B",))


def test_codes_may_be_those_of_the_return() -> None:
    known = Known("partial", "partial", ("rejected",), {1: ("SALRET-7",)})
    for said in ("7", "SALRET-7"):
        assert not list(misunderstood(known, Result("partial", {1: "rejected"}, {1: frozenset([said])}, ())))
    assert list(misunderstood(known, Result("partial", {1: "rejected"}, {1: frozenset("8")}, ())))
    assert Call("collect", known=known).days == 0
