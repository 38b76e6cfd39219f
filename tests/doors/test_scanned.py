"""The HTTPS door under other people's scanners: testssl.sh for TLS, schemathesis for what it describes.

SCHEMATHESIS_EXAMPLES=1000 pytest tests/doors/test_scanned.py     # the long form
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import BaseSchema, Case, GenerationMode

from tests.doors.test_https import NOT_OURS, address, client
from tests.doors.test_software_clients import Program, program
from tests.house import House, Sender
from tests.tools import tool

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
BAD = {"MEDIUM", "HIGH", "CRITICAL"}
CHECKS = ["--protocols", "--std", "--pfs", "--renegotiation", "--crime", "--breach", "--heartbleed", "--ccs"]
CHECKS += ["--ticketbleed", "--robot", "--sweet32", "--lucky13", "--poodle", "--freak", "--beast", "--rc4"]
"""All about the connection that end within a minute; the certificate is the operator's to choose."""


def findings(folder: Path, host: str, port: int, *checks: str) -> list[dict[str, str]]:
    """What testssl.sh finds, as it tells it."""
    file = folder / "found.json"
    words = ["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--jsonfile", str(file)]
    command = [tool("testssl"), *words, *checks, f"{host}:{port}"]
    subprocess.run(command, capture_output=True, timeout=280, check=False, stdin=subprocess.DEVNULL)
    found: list[dict[str, str]] = json.loads(file.read_text())
    return found


def test_testssl_finds_nothing_of_medium_or_worse(open_home: House, tmp_path: Path) -> None:
    """SR-14."""
    found = findings(tmp_path, *address(open_home), *CHECKS)
    assert not [one for one in found if one["severity"] in BAD]
    named = {one["id"]: one["finding"] for one in found}
    assert named["TLS1"] == named["TLS1_1"] == "not offered"
    assert "offered" in named["TLS1_2"]
    assert "offered" in named["TLS1_3"]
    assert len(found) > 25, "control: it looked"


@schemathesis.serializer("application/partial-upload")
def piece(_: schemathesis.SerializationContext, value: object) -> bytes:
    """A piece of an upload is sent as it is."""
    return bytes(value) if isinstance(value, bytes | bytearray) else str(value).encode()


@pytest.fixture(scope="module")
def service(open_home: House, visitor: Sender) -> Program:
    return program(open_home, visitor.member)


@pytest.fixture(scope="module")
def described(open_home: House, service: Program) -> BaseSchema:
    """The description that the running door gives of itself."""
    with client(open_home, None) as http:
        schema = schemathesis.openapi.from_dict(http.get("/openapi.json").json())
    assert open_home.doors is not None
    schema.config.update(base_url=open_home.doors.https, tls_verify=str(open_home.trust))
    return schema


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """A program's connections."""
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.fixture(scope="module")
def token(service: Program) -> str:
    return service.token()


@pytest.mark.filterwarnings(NOT_OURS)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_operation_keeps_to_its_description(
    described: BaseSchema, session: requests.Session, token: str, mode: GenerationMode
) -> None:
    """Each with good and bad data, with a program's token: all checks of schemathesis."""
    told: dict[str, str] = {}
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def keeps(case: Case) -> None:
            nonlocal tried
            tried += 1
            shown = {"Authorization": f"Bearer {token}"}
            case.call_and_validate(session=session, headers=shown, verify=described.config.tls_verify)

        try:
            keeps()
        except Unsatisfiable:
            continue  # it takes no data that could be wrong
        except Exception as wrong:  # all operations are looked at before any is told
            told[operation.label] = str(wrong)
    assert not told, "\n".join(f"{label}: {wrong}" for label, wrong in told.items())
    assert tried > 3 * EXAMPLES, "control: something was asked"
