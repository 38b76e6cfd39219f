"""A sandbox as its user starts it: one command in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from adapters.sandbox.premises import EMPLOYER, MEMBER
from gateway import client
from gateway.client.results import Answer
from gateway.returns import acktrt
from signing.parse import parse
from tests.durability.running import command, environment

PATIENCE_SECONDS = 60.0
_NUMBERS = count(1)


@dataclass(slots=True)
class Opened:
    """An open sandbox, and its member's side of it."""

    folder: Path
    process: subprocess.Popen[str]
    told: str

    @property
    def profile_file(self) -> Path:
        return self.folder / "sandbox" / "member" / "profile.toml"

    @property
    def profile(self) -> client.Profile:
        return client.Profile.load(self.profile_file)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Give a command about the sandbox."""
        return subprocess.run(
            command("sandbox", *words, "--profile", str(self.profile_file)),
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def wages(self, *insured: str, month: str = "202607", employer: str = EMPLOYER) -> Path:
        """A signed DECSAL, a wage for each."""
        lines = [f"0;{MEMBER.matricule};{MEMBER.number}"]
        lines += [f"1;{employer};{one};{month};300000;160;0;0;0;0;0;0;0;;;;;;;" for one in insured]
        file = self.folder / "dta" / f"DECSAL-{next(_NUMBERS)}.dta"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
        (signed,) = client.sign([file], self.profile, self.folder / "signed")
        time.sleep(0.01)  # a name is a hundredth of a second
        return signed.file

    def collected(self, out: Path, enough: Callable[[Sequence[Answer]], bool]) -> list[Answer]:
        """All answers, once there are enough."""
        answers: list[Answer] = []
        limit = time.monotonic() + PATIENCE_SECONDS
        while not enough(answers):
            assert time.monotonic() < limit, answers
            answers += client.collect(self.profile, out).answers
        return answers


def codes(file: Path) -> dict[int | None, list[str]]:
    """The codes in an acknowledgement, by record."""
    found: dict[int | None, list[str]] = {}
    for anomaly in acktrt.read(parse(file.read_bytes())).anomalies:
        found.setdefault(anomaly.record, []).append(anomaly.code)
    return found


def acknowledgement_of(answers: Sequence[Answer], deposit: Path) -> Path | None:
    """The acknowledgement of a deposit, if it is among some answers."""
    for one in answers:
        if one.kind == acktrt.CODE:
            regarded = acktrt.read(parse(one.file.read_bytes())).header.deposit
            if regarded is not None and regarded.name == deposit.name:
                return one.file
    return None


@contextmanager
def opened(folder: Path) -> Iterator[Opened]:
    """Open a new sandbox in a folder, as its user does; it is closed with Ctrl-C."""
    folder.mkdir(exist_ok=True)
    with (folder / "sandbox.log").open("w") as log:
        process = subprocess.Popen(
            command("sandbox", "--data", str(folder / "sandbox")),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(),
        )
    assert process.stdout is not None
    told = ""
    try:
        for line in process.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        assert "Ctrl-C" in told, (folder / "sandbox.log").read_text()
        yield Opened(folder, process, told)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
