"""With what the commands of a sender end, as the table in docs/senders/start.md says."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from adapters.cli import app
from adapters.cli.output import Status
from gateway.client.drop.places import Places
from tests.client.dropping import wages_of
from tests.conftest import LARGEST_DEPOSIT
from tests.flow.premises import rows, someone
from tests.house import House, Sender

PAGE = Path(__file__).parents[2] / "docs" / "senders" / "start.md"


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@dataclass(frozen=True)
class Place:
    """A sender's folder: a good profile, and one of a gateway that is away."""

    home: House
    root: Path

    @property
    def profile(self) -> Path:
        return self.root / "profile.toml"

    @property
    def away(self) -> Path:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        text = re.sub(r'https = ".*"', f'https = "https://127.0.0.1:{port}"', self.profile.read_text())
        file = self.root / "away.toml"
        file.write_text(text)
        return file

    @property
    def good(self) -> Path:
        return self.file("DECSAL.dta", wages_of(someone()))

    @property
    def signed(self) -> Path:
        out = self.root / "signed"
        shutil.rmtree(out, ignore_errors=True)
        assert command("sign", self.good, "--profile", self.profile, "--out", out).exit_code == 0
        (found,) = out.iterdir()
        return found

    @property
    def receipt(self) -> Path:
        """That of a batch which was sent."""
        out = self.root / "receipts"
        assert command("send", self.signed, "--profile", self.profile, "--out", out).exit_code == 0
        return next(out.iterdir())

    @property
    def drop(self) -> Path:
        Places(self.root / "drop").make()
        return self.root / "drop"

    def file(self, name: str, content: bytes) -> Path:
        file = self.root / name
        file.write_bytes(content)
        return file


@pytest.fixture
def place(open_home: House, visitor: Sender, tmp_path: Path) -> Place:
    for given in visitor.profile.parent.iterdir():
        (tmp_path / given.name).write_bytes(given.read_bytes())
        (tmp_path / given.name).chmod(0o600)
    return Place(open_home, tmp_path)


Words = Callable[[Place], list[object]]
CASES: dict[str, tuple[Words, Status]] = {
    "validate good": (lambda p: ["validate", p.good], Status.DONE),
    "validate blocking": (lambda p: ["validate", p.file("x.xml", b"<x/>")], Status.REFUSED),
    "validate nothing": (lambda p: ["validate", p.root / "no"], Status.WRONG_USE),
    "convert good": (lambda p: ["convert", p.good, "--out", p.root / "o"], Status.DONE),
    "convert no batch": (
        lambda p: ["convert", p.file("DECSAL.dta", b"?"), "--out", p.root / "o"],
        Status.REFUSED,
    ),
    "convert no procedure": (
        lambda p: ["convert", p.file("NOTES.dta", b"?"), "--out", p.root / "o"],
        Status.WRONG_USE,
    ),
    "sign good": (
        lambda p: ["sign", p.good, "--profile", p.profile, "--out", p.root / "o", "--json"],
        Status.DONE,
    ),
    "sign another's": (
        lambda p: [
            *("sign", p.file("DECSAL.dta", b"0;2099990002099;200002\r\n"), "--profile", p.profile),
            *("--out", p.root / "o"),
        ],
        Status.REFUSED,
    ),
    "sign no profile": (
        lambda p: ["sign", p.good, "--profile", p.root / "no", "--out", p.root / "o"],
        Status.WRONG_USE,
    ),
    "send good": (lambda p: ["send", p.signed, "--profile", p.profile, "--json"], Status.DONE),
    "send too large": (
        lambda p: ["send", p.file("x", bytes(LARGEST_DEPOSIT + 1)), "--profile", p.profile],
        Status.REFUSED,
    ),
    "send no such option": (lambda p: ["send", p.good, "--what"], Status.WRONG_USE),
    "send away": (lambda p: ["send", p.signed, "--profile", p.away, "--tries", 1], Status.NOT_NOW),
    "status good": (lambda p: ["status", p.receipt, "--profile", p.profile, "--json"], Status.DONE),
    "status of no receipt": (lambda p: ["status", p.good, "--profile", p.profile], Status.WRONG_USE),
    "status away": (lambda p: ["status", p.receipt, "--profile", p.away], Status.NOT_NOW),
    "collect good": (lambda p: ["collect", "--profile", p.profile, "--out", p.root / "a"], Status.DONE),
    "collect away": (lambda p: ["collect", "--profile", p.away, "--out", p.root / "a"], Status.NOT_NOW),
    "simulate good": (lambda p: ["simulate", p.signed, "--profile", p.profile, "--json"], Status.DONE),
    "simulate of nobody": (lambda p: ["simulate", p.good], Status.WRONG_USE),
    "simulate away": (lambda p: ["simulate", p.signed, "--profile", p.away], Status.NOT_NOW),
    "watch away": (
        lambda p: ["watch", p.drop, "--profile", p.away, "--once", "--still", 0],
        Status.NOT_NOW,
    ),
    "watch nothing": (lambda p: ["watch", p.root / "no", "--profile", p.profile], Status.WRONG_USE),
    "reconcile no statement": (
        lambda p: ["reconcile", p.good, p.file("c.xml", b"<x/>")],
        Status.WRONG_USE,
    ),
    "evidence of nothing": (
        lambda p: ["evidence", "verify", p.good, "--seal", p.root / "gateway-seal.pem"],
        Status.REFUSED,
    ),
    "check": (lambda p: ["check", p.good, "--seal", p.root / "gateway-seal.pem"], Status.REFUSED),
}


@pytest.mark.parametrize("case", CASES)
def test_each_command_ends_as_the_table_says_and_tells_why_in_one_line(place: Place, case: str) -> None:
    words, status = CASES[case]
    done = command(*words(place))
    assert done.exit_code == status, done.output
    if status in (Status.REFUSED, Status.NOT_NOW) and not done.stdout:
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    if status == Status.NOT_NOW:
        assert "Nothing is lost" in done.stderr
    if "--json" in words(place):
        json.loads(done.stdout)


def test_the_page_has_a_row_for_each_status() -> None:
    assert [int(one) for one in re.findall(r"^\| ([0-9]+) \|", PAGE.read_text(), re.MULTILINE)] == list(
        Status
    )
    assert {status for _, status in CASES.values()} == set(Status)


def test_an_answer_whose_seal_is_bad_is_never_acknowledged(place: Place, open_home: House) -> None:
    """And the next time, with the right seal, nothing is missing."""
    name = place.signed.name
    assert command("send", place.root / "signed" / name, "--profile", place.profile).exit_code == 0
    (deposit,) = rows(open_home, "SELECT id FROM deposit WHERE name = :name", name=name)
    seal, out = place.root / "gateway-seal.pem", place.root / "answers"
    right = seal.read_bytes()
    seal.write_bytes((place.root / "member.cert.pem").read_bytes())
    done = command("collect", "--profile", place.profile, "--out", out)
    assert done.exit_code == Status.REFUSED
    query = "SELECT 1 FROM answer WHERE deposit = :deposit AND acknowledged IS NOT NULL"
    assert rows(open_home, query, deposit=deposit["id"]) == []
    assert [one.name for one in out.iterdir()] == ["unverified"]
    seal.write_bytes(right)
    assert command("collect", "--profile", place.profile, "--out", out).exit_code == Status.DONE
    assert rows(open_home, query, deposit=deposit["id"]) != []
    assert list((out / "unverified").iterdir()) == []
    again = command("collect", "--profile", place.profile, "--out", out, "--json")
    assert json.loads(again.stdout)["cursor"] > 0
