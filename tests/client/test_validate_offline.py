"""Offline validation and the gateway agree wherever no register is needed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli import app
from gateway.client.offline import REGISTERS, finding, rules, validate
from gateway.moments import Received
from gateway.rejections import REJECTIONS
from tests.pairs.pair import PAIRS
from tests.procedures.vector_files import VECTORS, Vector

JUDGED = [vector for vector in VECTORS if not vector.form]
AT_THE_GATEWAY = REGISTERS | {
    *(
        "AFFRET-13",
        "AFFRET-24",
        "AFFRET-FAR",
        "AFFRET-HOURS",
        "AFFRET-KNOWN",
        "AFFRET-LONG",
        "AFFRET-MISSION",
    ),
    *("CERRET-3", "CERRET-8", "CERRET-9", "CERRET-10"),
    *("DETRET-4", "DETRET-5", "DETRET-HELD", "DETRET-KNOWN", "DETRET-LONG", "DETRET-AGENCY"),
    *("EMPRET-10", "EMPRET-12", "EMPRET-13", "EMPRET-14", "EMPRET-15"),
    *("INTRET-4", "INTRET-11", "INTRET-14", "INTRET-AGENCY", "INTRET-GAP", "INTRET-KNOWN"),
    *("INTRET-ORDER", "INTRET-OVERLAP", "INTRET-STAFF"),
    *("MALRET-11", "MALRET-12", "MALRET-13", "MALRET-HOURS", "MALRET-KNOWN", "MANDATE-EMPLOYER"),
    *("MANRET-6", "MANRET-10", "MANRET-11", "MANRET-12", "MATRET-8", "OWNRET-2"),
    *("RECRET-1", "RECRET-4", "RECRET-5", "RECRET-6", "RECRET-REPEATED"),
    *("SALRET-2", "SALRET-3", "SALRET-HELD", "SALRET-LOW", "SALRET-MONTH", "SALRET-OVERLAP"),
    *("UTIRET-AGENCY", "UTIRET-FULL"),
}
"""Codes that rest on what was declared before, who is insured, or what the sender is."""


def due(vector: Vector) -> set[tuple[int | None, str]]:
    """What the gateway finds."""
    of_records = {(n, code) for n, case in enumerate(vector.cases, 1) for code in (*case.codes, *case.hints)}
    return of_records | {(None, code) for code in vector.hints}


def found(vector: Vector) -> set[tuple[int | None, str]]:
    """What is found offline."""
    batch = vector.world.batch(*(case.fields for case in vector.cases))
    return {(one.record, one.code) for one in rules(batch, vector.world.received)}


@pytest.mark.parametrize("vector", JUDGED, ids=str)
def test_offline_says_nothing_else_than_the_gateway_and_misses_only_what_needs_registers(
    vector: Vector,
) -> None:
    gateway, offline = due(vector), found(vector)
    assert offline <= gateway
    assert {code for _, code in gateway - offline} <= AT_THE_GATEWAY


def test_most_codes_of_records_are_found_offline() -> None:
    offline = {code for vector in JUDGED for _, code in found(vector)}
    assert len(offline) > 80
    assert not offline & REGISTERS


def test_the_form_is_judged_as_the_gateway_judges_it(tmp_path: Path) -> None:
    """The example pairs: what came back from a gateway is found, but for what needs the registers."""
    at = Received(datetime(2026, 8, 20, 9, 15, tzinfo=UTC))
    for folder in sorted(PAIRS.glob("*-1.0")):
        (batch,) = (folder / name for name in ("batch.xml",))
        result = validate(batch, at)
        text = (folder / "ACKTRT.xml").read_text()
        for one in result.anomalies:
            assert f"<Code>{one.code}</Code>" in text, (folder.name, one)


def test_json_has_exactly_what_is_documented(tmp_path: Path) -> None:
    file = tmp_path / "wages.xml"
    file.write_bytes(
        (PAIRS / "DECSAL-1.0" / "batch.xml").read_bytes().replace(b"<BaseWage>", b"<BaseWage>x", 1)
    )
    done = CliRunner().invoke(app, ["validate", str(file), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert list(told) == ["valid", "anomalies"]
    assert told["valid"] is False
    names = [
        "code",
        "severity",
        "record",
        "field",
        "path",
        "line",
        "value",
        "message",
        "remedy",
        "legal_basis",
    ]
    for one in told["anomalies"]:
        assert list(one) == names
        assert set(one["message"]) == set(one["remedy"]) == {"fr", "de", "en"}
    one = told["anomalies"][0]
    assert (one["code"], one["field"], one["severity"]) == ("SALRET-4", "BaseWage", "blocking")
    assert (one["path"], type(one["line"])) == ("/DECSAL/Wage[1]/BaseWage", int)


def test_a_hint_alone_does_not_make_a_batch_invalid() -> None:
    hints = [code for code, row in REJECTIONS.items() if row.severity.value == "hint"]
    assert hints
    from gateway.batch import Anomaly  # noqa: PLC0415

    assert asdict(finding(Anomaly(hints[0])))["severity"] == "hint"


def test_a_file_that_is_nothing_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_bytes(b"<DECSAL>")
    result = validate(tmp_path / "x.xml")
    assert (result.valid, [one.code for one in result.anomalies]) == (False, ["FILE-NOT-XML"])
    assert CliRunner().invoke(app, ["validate", str(tmp_path / "absent.xml")]).exit_code == 2
