"""`secugate watch` killed at every step, and on a full disk: real processes, before a real gateway."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.client.drop.ledger import Ledger, State
from gateway.client.drop.places import Places
from tests.client.dropping import deposits, wages_of
from tests.durability.running import environment
from tests.flow.premises import someone
from tests.house import House, Sender, wage
from tests.tools import tool

REPOSITORY = Path(__file__).parents[2]


def signing(sender: Sender) -> Path:
    """A profile that lets the folder sign."""
    profile = sender.profile.with_name("signing.toml")
    profile.write_text(sender.profile.read_text() + "sign = true\n")
    return profile


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment(),
        cwd=REPOSITORY,
        timeout=200,
        check=False,
    )


def fill(home: House, sender: Sender, folder: Path) -> set[bytes]:
    """Drop two files without signature and one with; what was dropped."""
    folder.mkdir()
    dropped = {wages_of(someone()), wages_of(someone())}
    for place, content in enumerate(sorted(dropped)):
        (folder / f"DECSAL-{place}.dta").write_bytes(content)
    name, signed = home.signed(sender, "DECSAL", [wage(someone())])
    (folder / name).write_bytes(signed)
    return dropped | {signed}


def check(home: House, sender: Sender, folder: Path, before: int, dropped: set[bytes]) -> None:
    """Each file that was dropped is one deposit, and lies where what was sent lies, with its receipt."""
    places = Places(folder)
    new = deposits(home, sender)[before:]
    assert sorted(new) == sorted(room.name for room in places.sent.iterdir())
    assert len(new) == len(dropped)
    kept = {file.read_bytes() for room in places.sent.iterdir() for file in room.iterdir()}
    assert dropped <= kept
    assert [file for file in folder.iterdir() if file.is_file()] == []
    assert [*places.outgoing.iterdir(), *places.leaving.iterdir()] == []
    for name in new:
        assert (places.answers / f"{Path(name).stem}.ACKREC.XML").exists()
    ledger = Ledger(places.ledger)
    assert len(ledger.open(State.RECEIVED)) == len(new)
    ledger.close()


@pytest.mark.parametrize(
    ("kind", "door", "first"),
    [
        ("kill", "https", 1),
        ("kill", "https", 4),
        ("kill", "sftp", 2),
        ("full", "https", 3),
        ("full", "sftp", 5),
    ],
)
def test_disturbed_at_every_step_nothing_is_lost_or_doubled(
    open_home: House, visitor: Sender, tmp_path: Path, kind: str, door: str, first: int
) -> None:
    """Each round is disturbed some steps later than the one before, until one is through."""
    folder, before = tmp_path / "drop", len(deposits(open_home, visitor))
    dropped = fill(open_home, visitor, folder)
    words = [str(folder), str(signing(visitor)), door, kind, str(first), "6"]
    done = run(sys.executable, "-m", "tests.client.dying", *words)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.rpartition("\n")[2]) > 2
    check(open_home, visitor, folder, before, dropped)


def test_on_a_full_disk_it_says_so_in_one_line_and_goes_on_when_there_is_room(
    open_home: House, visitor: Sender, tmp_path: Path
) -> None:
    """The real command, whose every write into its ledger fails as on a full disk."""
    folder, before = tmp_path / "drop", len(deposits(open_home, visitor))
    dropped = fill(open_home, visitor, folder)
    watch = [sys.executable, "-m", "adapters.cli", "watch", str(folder), "--profile", str(signing(visitor))]
    watch += ["--once", "--still", "0"]
    strace = [tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64"]
    done = run(*strace, "-e", "inject=pwrite64:error=ENOSPC:when=12+", *watch)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("There is no room on the disk of ")
    done = run(*watch)
    assert done.returncode == 0, done.stderr
    check(open_home, visitor, folder, before, dropped)
