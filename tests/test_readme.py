"""What the README says, done: its commands run as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import EMPLOYER, MEMBER, House, Sender, house, wage
from tests.tools import tool

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def block(*words: str) -> str:
    """The one shell block of the README that holds all these words."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    found = [text for text in blocks if all(word in text for word in words)]
    assert len(found) == 1, f"{len(found)} blocks with {words}"
    return str(found[0])


def run(script: str, folder: Path, **variables: str) -> str:
    """Run a block as a reader would, with `secugate` being this installation."""
    secugate = f'secugate() {{ "{sys.executable}" -m adapters.cli "$@"; }}\n'
    done = subprocess.run(
        ["sh", "-eu", "-c", secugate + script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, doors=True) as made:
        made.employer(EMPLOYER)
        yield made


@pytest.fixture
def sender(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


def test_make_knows_the_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in ("demo", "test"):
        assert block(f"make {command}").strip() == f"make {command}"
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)


def test_a_first_batch_by_curl_and_by_sftp_and_the_check_of_our_seal(home: House, sender: Sender) -> None:
    tool("curl"), tool("sftp"), tool("xmlsec1")
    assert home.doors is not None
    folder = sender.profile.parent
    host, _, port = home.doors.sftp.rpartition(":")
    for words in (("curl",), ("sftp -b",)):
        name = home.name("DECSAL", MEMBER)
        (folder / name).write_bytes(home.batch(sender, "DECSAL", [wage(BaseWage=f"{len(words[0])}.00")]))
        printed = run(
            block(*words),
            folder,
            BATCH=name,
            HTTPS=home.doors.https,
            SFTP_HOST=host,
            SFTP_PORT=port,
            MEMBER=str(MEMBER),
        )
        assert "ACKREC" in printed
    answer = home.gateway.outbox.collection.visible(str(MEMBER))[0].answer
    (folder / answer.name).write_bytes(home.content(sender, answer.id))
    run(block("xmlsec1"), folder, ANSWER=answer.name)
    (folder / answer.name).write_bytes(home.content(sender, answer.id).replace(b">CCSS<", b">CCSX<"))
    with pytest.raises(AssertionError):
        run(block("xmlsec1"), folder, ANSWER=answer.name)
    by_a_member = home.batch(sender, "DECSAL", [wage()])
    (folder / answer.name).write_bytes(by_a_member)
    with pytest.raises(AssertionError):
        run(block("xmlsec1"), folder, ANSWER=answer.name)


def test_setting_one_up(sender: Sender, tmp_path: Path) -> None:
    script = block("secugate init").replace("/srv/secugate", str(tmp_path / "srv"))
    printed = run(re.sub(r"secugate serve.*\n", "", script), sender.profile.parent)
    assert f"Member {MEMBER}" in printed
    assert "Mandate 1" in printed


def test_contributions_line_by_line(tmp_path: Path) -> None:
    assert "986.95" in run(block("secugate contributions"), tmp_path)


def test_every_page_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
