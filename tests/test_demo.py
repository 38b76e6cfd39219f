"""The main job, as a newcomer runs it: a month through both doors, told as a table and as JSON."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from adapters.cli.demo import by_hand
from gateway.procedures import PROCEDURES, REFUSED_FILE
from tests.client.test_start_page import play
from tests.house import EMPLOYER, MEMBER, house
from tests.tools import tool

ROOT = Path(__file__).parent.parent
EXAMPLE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SIGNED_PROPERTIES = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"


def test_a_month_comes_out_as_the_story_says(tmp_path: Path) -> None:
    words = ["demo", "--data", str(tmp_path / "demo"), "--json", "--serve"]
    command, pipe = [sys.executable, "-m", "adapters.cli", *words], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as demo:
        assert demo.stdout is not None
        told = ""
        for line in demo.stdout:
            told += line
            if "stays open" in line:
                break
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        demo.terminate()
        _, complaint = demo.communicate(timeout=60)
    assert demo.returncode == 128 + signal.SIGTERM, complaint
    assert len(children) == 1, "the gateway is the only one that is left open"
    assert not Path(f"/proc/{children[0]}").exists()
    month, _ = json.JSONDecoder().raw_decode(told)
    story = yaml.safe_load((ROOT / "examples" / "month.yaml").read_text())
    assert month["ok"] is True
    verdicts = [each["verdict"] for each in month["deposits"]]
    assert verdicts == [each["expect"]["verdict"] for each in story["deposits"]]
    assert {each["door"] for each in month["deposits"]} == {"https", "sftp"}
    assert {each["type"] for each in month["returns"]} == {
        *REFUSED_FILE,
        *(answer for one in PROCEDURES for answer in one.all_returns),
    }
    assert {each["type"] for each in month["statements"]} == {"CALCUL", "EXTCPT"}
    assert {each["type"] for each in month["notices"]} == {"SALMAN", "LISPER", "CHAPRO", "CHGMAT", "CALEND"}
    _verify_with_xmlsec1(month, tmp_path / "roots.pem")
    (example,) = EXAMPLE.findall((ROOT / "docs" / "billing.md").read_text())
    assert "1891122291186" in play(tmp_path, "sh", example)


def _verify_with_xmlsec1(month: dict[str, list[dict[str, str]]], roots: Path) -> None:
    roots.write_text(str(month["trust"]))
    files = [
        each["file"]
        for kind in ("receipts", "acknowledgements", "returns", "statements", "notices")
        for each in month[kind]
        if not each["file"].endswith(".ASICE")  # a container: looked at by the tests of containers
    ]
    assert len(files) > 30
    for file in files:
        subprocess.run(
            [
                tool("xmlsec1"),
                "--verify",
                "--trusted-pem",
                str(roots),
                "--id-attr:Id",
                SIGNED_PROPERTIES,
                file,
            ],
            check=True,
            capture_output=True,
        )


def test_what_it_says_to_do_by_hand_can_be_pasted(tmp_path: Path) -> None:
    with house(tmp_path / "a folder", doors=True) as home:
        home.employer(EMPLOYER)
        member = home.sender(MEMBER, [EMPLOYER]).profile.parent
        done = subprocess.run(
            ["sh", "-eux", "-c", by_hand(member)], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        assert list((member / "by-hand" / "signed").glob("*.ACKREC.XML"))
        assert list((member / "by-hand" / "collected").iterdir())
