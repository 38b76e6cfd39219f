"""One month through a gateway on this machine: the story that `make demo` tells.

The gateway and every client are processes of their own; they meet only at the doors. The story and
what is expected of it are data: `examples/month.yaml`. Nothing is left running, unless asked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import yaml
from lxml import etree

from adapters.client import Profile
from adapters.database import Database
from adapters.database.members import Members
from adapters.installation import VALIDITY, install, write_ssh_key
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from adapters.premises import Premises
from adapters.seals import is_good
from adapters.settings import Settings
from gateway import wire
from gateway.batch import MemberId
from gateway.moments import Received, system_clock
from gateway.procedures import PROCEDURES
from gateway.returns import acktrt, calcul, extcpt

EXAMPLES = Path(__file__).parent.parent / "examples"
PATIENCE_SECONDS = 45.0
ENVIRONMENT = "test"

Say = Callable[[str], None]


class DemoFailed(Exception):
    """Something did not go as the story tells."""


@dataclass(frozen=True, slots=True)
class Step:
    """One deposit of the story: what, by whom, through which door, and what should come back."""

    file: str
    member: str
    procedure: str
    door: str
    twist: str
    expect: Mapping[str, object]
    title: str


@dataclass(slots=True)
class Sent:
    """A deposit of the story as it went: the batch, its receipt and its acknowledgement."""

    step: Step
    batch: Path
    receipt: Path | None = None
    acknowledgement: Path | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """An answer that a member collected."""

    member: str
    file: Path
    kind: str


@dataclass(slots=True)
class Month:
    """All that happened, for the table and for `--json`."""

    deposits: list[Sent] = field(default_factory=list)
    answers: list[Collected] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    trust: Path = Path()

    @property
    def ok(self) -> bool:
        return not self.faults


def run(folder: Path, say: Say) -> tuple[Month, Gateway]:
    """Play the month in a new folder; the gateway is left running for the caller to stop."""
    story = yaml.safe_load((EXAMPLES / "month.yaml").read_text())
    cast = yaml.safe_load((EXAMPLES / "members.yaml").read_text())
    settings = Settings(data=folder / "gateway", environment=ENVIRONMENT)
    install(settings, system_clock())
    premises = Premises(settings.data)
    say("Made a gateway with a throw-away authority, keys and database")
    gateway = Gateway.open(premises)
    try:
        month = Month(trust=premises.anchors / "throw-away.pem")
        clients = _register(cast, premises, folder, gateway)
        say(f"Registered {len(clients)} members, their keys, employers and mandates")
        _play(story, clients, folder, month, say)
        _bill(story["period"], premises, clients, month, say)
        _judge(story, month)
        return month, gateway
    except BaseException:
        gateway.close()
        raise


@dataclass(slots=True)
class Gateway:
    """A gateway process of the demo."""

    process: subprocess.Popen[str]
    https: str
    sftp: str
    premises: Premises

    @classmethod
    def open(cls, premises: Premises) -> Gateway:
        """Start it on free ports and wait until its doors are open."""
        command = [*_secugate("serve"), "--data", str(premises.folder), "--https-port", "0", "--sftp-port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())  # noqa: S603
        assert process.stdout is not None
        if not process.stdout.readline():
            process.wait()
            raise DemoFailed("the gateway did not start")
        doors = json.loads(premises.doors.read_text())
        return cls(process, doors["https"], doors["sftp"], premises)

    def close(self) -> None:
        """Stop it as an operator would, and wait."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "SECUGATE_ENVIRONMENT": ENVIRONMENT}


def _secugate(*arguments: str) -> list[str]:
    """The command of this very installation."""
    return [sys.executable, "-m", "adapters.cli", *arguments]


def _client(*arguments: str) -> str:
    """Run a sender's or operator's command in a process of its own; what it printed."""
    done = subprocess.run(  # noqa: S603
        _secugate(*arguments), capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode:
        raise DemoFailed(f"secugate {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _register(
    cast: Mapping[str, Sequence[Mapping[str, object]]], premises: Premises, folder: Path, gateway: Gateway
) -> dict[str, Path]:
    """Enter members, employers and mandates; give each member keys and a profile. By member: its profile."""
    members = Members(Database(premises.database))
    now = Received(system_clock())
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    profiles: dict[str, Path] = {}
    for each in cast["employers"]:
        years = {int(year): (int(v["mde_class"]), int(v["accident_factor"])) for year, v in each["years"].items()}
        members.enter_employer(str(each["matricule"]), name=str(each["name"]), years=years)
    for each in cast["members"]:
        who = MemberId(str(each["matricule"]), str(each["number"]))
        home = folder / "members" / str(each["key"])
        profiles[str(each["key"])] = _equip(home, who, str(each["name"]), authority, gateway, now)
        members.register(who, name=str(each["name"]), kind=str(each["kind"]), at=now)
    return profiles
