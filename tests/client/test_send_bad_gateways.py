"""`secugate send` before a gateway that is away, busy, broken or none: one line, the same command again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli import app
from adapters.cli.output import Status
from gateway.batch import MemberId
from tests.client.dropping import deposits, wages_of
from tests.client.nasty import answer, nasty
from tests.client.test_drop_folder_bad_gateways import BAD
from tests.flow.premises import someone
from tests.house import EMPLOYER, House, Sender, wage


def elsewhere(sender: Sender, address: str) -> Path:
    """A profile whose gateway is at another address."""
    text = re.sub(r'https = ".*"', f'https = "{address}"', sender.profile.read_text())
    file = sender.profile.with_name("elsewhere.toml")
    file.write_text(text)
    return file


def send(file: Path, profile: Path, *words: str) -> tuple[int, list[str]]:
    """With what the command ended, and what it said."""
    done = CliRunner().invoke(app, ["send", str(file), "--profile", str(profile), "--tries", "1", *words])
    return done.exit_code, done.stderr.strip().splitlines()


@pytest.mark.parametrize("kind", BAD)
def test_it_says_so_in_one_line_and_the_same_command_makes_one_deposit(
    open_home: House, visitor: Sender, tmp_path: Path, kind: str
) -> None:
    says, told = BAD[kind]
    name, signed = open_home.signed(visitor, "DECSAL", [wage(someone())])
    file = tmp_path / name
    file.write_bytes(signed)
    with nasty(open_home, tmp_path, says) as other:
        status, lines = send(file, elsewhere(visitor, other.address))
    assert (status, len(lines)) == (Status.NOT_NOW, 1), lines
    assert told in lines[0]
    assert "Nothing is lost or doubled: give the same command again." in lines[0]
    assert not list(tmp_path.glob("*ACKREC*"))
    for _ in range(2):
        assert send(file, visitor.profile)[0] == Status.DONE
    assert deposits(open_home, visitor).count(name) == 1


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_off_by_a_day_is_told(
    open_home: House, visitor: Sender, tmp_path: Path, days: int
) -> None:
    """As far as it can be told: the gateway's certificate does not count by it."""
    (tmp_path / "x.XML").write_bytes(b"<x/>")
    valid = (days, 2 * days) if days > 0 else (2 * days, days)
    with nasty(open_home, tmp_path, lambda _: answer("200 OK"), valid=valid) as other:
        status, lines = send(tmp_path / "x.XML", elsewhere(visitor, other.address), "--tries", "5")
        assert other.asked == [], "it is of no use to ask again"
    assert (status, len(lines)) == (Status.NOT_NOW, 1)
    assert "set the clock, or ask the operator" in lines[0]


def test_a_key_that_has_ended_signs_nothing(open_home: House, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ended = now - timedelta(days=2), now - timedelta(days=1)
    member = MemberId(EMPLOYER, "100077")
    sender = open_home.sender(member, [], valid=ended)
    file = tmp_path / "DECSAL.dta"
    file.write_bytes(wages_of(someone()).replace(b"100001", b"100077"))
    words = ["sign", str(file), "--profile", str(sender.profile), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    (line,) = done.stderr.strip().splitlines()
    assert done.exit_code == Status.NOT_NOW
    assert "have a new one registered" in line
    assert not (tmp_path / "out").exists()
