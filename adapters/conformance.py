"""Trying a payroll product on a sandbox: case by case, each with a member of its own.

The product is called as `gateway/conformance/cases/README.md` says, and judged by what arrives and by what it
writes down.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.deposits import Kept, kept
from adapters.equipment import enter_keys, equip, introduce
from adapters.sandbox.gateway import Sandbox
from adapters.sandbox.premises import EMPLOYER, STAFF, make
from adapters.sandbox.script import Kind, Outage
from adapters.serve import Doors
from adapters.settings import Settings
from gateway import sandbox
from gateway.batch import Batch, MemberId
from gateway.conformance import (
    GOOD,
    PENDING,
    Call,
    Case,
    Finding,
    Known,
    NoResult,
    Result,
    Tried,
    misunderstood,
    read_result,
)
from gateway.mandates import INVOICES
from gateway.moments import Received, system_clock
from gateway.outcome import Rejected
from gateway.states import OPEN, State
from outbox.collect import Listed

PERIOD = "2026-07"
PROCEDURE = "DECSAL"
CALLS = 5
"""So often `send` may be called for one batch, and `collect` for what there is."""
PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_FIRST_NUMBER = 300_001
_SHOWN = 300
_NAME = frozenset({"FILE-NAME", "FILE-SENDER", "FILE-ENVIRONMENT", "FILE-NAME-USED"})

Product = Callable[[str, Path], int]
"""Called with `send` or `collect` and the folder of a case; answers with a status, 0 for done."""

deposit = tables.table(tables.Deposit)


class NotTried(Exception):
    """The product cannot be tried; the sentence says why."""


def command(words: str) -> Product:
    """A product that is a command.

    Raises:
        NotTried: it cannot be read.
    """
    try:
        given = shlex.split(words)
    except ValueError as fault:
        raise NotTried(f"the command cannot be read: {fault}") from None
    if not given:
        raise NotTried("the command is empty")

    def call(word: str, folder: Path) -> int:
        try:
            return subprocess.run(  # noqa: S603 (what the caller wants to try)
                [*given, word, str(folder)], check=False, timeout=PATIENCE_SECONDS
            ).returncode
        except subprocess.TimeoutExpired:
            return -1
        except OSError as fault:
            raise NotTried(f"{given[0]} cannot be started: {fault.strerror}") from None

    return call


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A new sandbox in a folder, on which products are tried."""
    settings = Settings(data=folder / "sandbox", https_port=0, sftp_port=0)
    make(settings, system_clock())
    gateway = Sandbox(settings)
    doors = gateway.start()
    try:
        yield Bench(folder, gateway, doors)
    finally:
        gateway.stop()


class _Failed(Exception):
    """A check that failed: the case ends there."""

    def __init__(self, check: str, sentence: str) -> None:
        super().__init__(sentence)
        self.finding = Finding(check, sentence)


@dataclass(slots=True)
class Bench:
    """An open sandbox on which products are tried."""

    folder: Path
    gateway: Sandbox
    doors: Doors
    tries: int = field(default=0)

    def try_on(self, case: Case, product: Product) -> Tried:
        """Try a product on a case; it ends at the first check that fails."""
        folder = self.folder / "cases" / f"{self.tries:03d}-{case.name}"
        member = MemberId(EMPLOYER, f"{_FIRST_NUMBER + self.tries}")
        self.tries += 1
        wages = self._introduce(case, member, folder)
        trial = _Trial(self.gateway, member, folder, wages, product)
        try:
            for play in case.play:
                self._play(play)
                trial.forging = trial.forging or play.get("outage") == Kind.FORGED
            for call in case.calls:
                trial.make(call)
            trial.check_acknowledged()
        except _Failed as failed:
            return Tried(case, (failed.finding,))
        finally:
            self.gateway.script.end()
        return Tried(case, ())

    def _introduce(self, case: Case, member: MemberId, folder: Path) -> Sequence[Mapping[str, object]]:
        """Register a member for a case, with a folder as the product finds it; the wages it states."""
        now, gateway = Received(self.gateway.clock()), self.gateway
        name = f"Conformance {member.number}"
        gateway.members.register(member, name=name, kind="employer", at=now)
        first = timedelta(days=1000)
        codes = [PROCEDURE, INVOICES]
        gateway.members.grant(member, EMPLOYER, codes, first=now.day - first, last=None, at=now)
        # By the clock of the machine, on which the product looks at its certificate.
        equip(folder, member, name, gateway.premises, Received(system_clock()))
        enter_keys(gateway.members, member, folder, now)
        introduce(folder, member, gateway.premises, self.doors.https, self.doors.sftp)
        staff = iter(STAFF)
        people = (next(staff) if one == GOOD else sandbox.numbers()[one] for one in case.wages)
        # Another member has declared these people's wages before: amounts that differ show who wrote what.
        wages: list[Mapping[str, object]] = [
            {"insured": insured, "base_wage": f"{3000 + place}.{self.tries % 100:02d}", "hours": 160}
            for place, insured in enumerate(people)
        ]
        told = {"procedure": PROCEDURE, "employer": EMPLOYER, "period": PERIOD, "wages": wages}
        (folder / "input.json").write_text(json.dumps(told, indent=1))
        return wages

    def _play(self, play: Mapping[str, object]) -> None:
        script = self.gateway.script
        if "outage" in play:
            times = int(str(play["times"]))
            script.play(
                Outage(Kind(str(play["outage"])), str(play["path"]), str(play.get("method", "")), times)
            )
        elif "delay_hours" in play:
            script.delay = timedelta(hours=int(str(play["delay_hours"])))
        else:
            script.duplicates = bool(play["duplicates"])


@dataclass(slots=True)
class _Trial:
    """One product on one case."""

    gateway: Sandbox
    member: MemberId
    folder: Path
    wages: Sequence[Mapping[str, object]]
    product: Product
    forging: bool = False

    def make(self, call: Call) -> None:
        """A step of the case."""
        match call.word:
            case "send":
                self._send()
            case "pass":
                self.gateway.script.advance(timedelta(days=call.days))
                self.gateway.engine.wake()
            case "clear":
                self.gateway.script.end()
                self.gateway.engine.wake()
                self.forging = False
            case _:
                assert call.known is not None
                self._collect(call.known)

    def _send(self) -> None:
        done = any(self.product("send", self.folder) == 0 for _ in range(CALLS))
        deposits = self._deposits()
        if not done:
            raise _Failed("sent", f"send did not come to status 0 in {CALLS} calls")
        if not deposits:
            raise _Failed("sent", "send ended with status 0, and the gateway has nothing")
        if len(deposits) > 1:
            raise _Failed("once", f"the gateway has {len(deposits)} deposits of one batch")
        self._check_batch(deposits[0])

    def _check_batch(self, one: Kept) -> None:
        """What stands in the deposit."""
        try:
            batch = self.gateway.examine(one.deposit).batch
        except Rejected as refusal:
            codes = [anomaly.code for anomaly in refusal.anomalies]
            told = f"the gateway answers {', '.join(codes)}"
            if _NAME.intersection(codes):
                raise _Failed("name", told) from None
            kind = "signature" if any(code.startswith("SIG-") for code in codes) else "form"
            raise _Failed(kind, told) from None
        if batch.malformed:
            raise _Failed("form", f"the form refuses record {batch.malformed[0].number}")
        self._check_content(batch)

    def _check_content(self, batch: Batch) -> None:
        stated = [
            tuple(
                record.fields.get(name) for name in ("Employer", "Insured", "Period", "BaseWage", "WorkHours")
            )
            for record in batch.records
        ]
        meant = [
            (EMPLOYER, str(one["insured"]), PERIOD, str(one["base_wage"]), str(one["hours"]))
            for one in self.wages
        ]
        if batch.header.procedure != PROCEDURE or stated != meant:
            raise _Failed("content", f"the batch states {stated!r}"[:_SHOWN])

    def _collect(self, known: Known) -> None:
        if known.file != PENDING:
            self._settled(
                lambda state: state not in OPEN and ("held" in known.records or state != State.HELD)
            )
        (self.folder / "result.json").unlink(missing_ok=True)
        if not self._collected():
            raise _Failed("result", f"collect did not end with status 0 in {CALLS} calls")
        try:
            result = read_result(self.folder / "result.json")
        except NoResult as fault:
            raise _Failed("result", str(fault)) from None
        self._check_seals(result)
        if len(set(result.answers)) != len(result.answers):
            raise _Failed("doubled", "an answer is named twice")
        faults = list(misunderstood(known, result))
        if faults:
            raise _Failed(known.kind, "; ".join(faults))

    def _collected(self) -> bool:
        """Call it until it is done; what was forged on the way it cannot be done with."""
        if self.forging:
            self.product("collect", self.folder)
            return True
        return any(self.product("collect", self.folder) == 0 for _ in range(CALLS))

    def _check_seals(self, result: Result) -> None:
        if not self.forging:
            return
        for listed in self._answers():
            if listed.answer.name in result.answers:
                raise _Failed("seal", f"{listed.answer.name} was believed without the gateway's seal")
            if listed.acknowledged is not None:
                raise _Failed("seal", f"{listed.answer.name} was acknowledged without the gateway's seal")

    def check_acknowledged(self) -> None:
        """Every answer that is there."""
        left = [one.answer.name for one in self._answers() if one.acknowledged is None]
        if left:
            raise _Failed("acknowledged", f"not acknowledged: {', '.join(left)}"[:_SHOWN])

    def _answers(self) -> Sequence[Listed]:
        return self.gateway.outbox.collection.after(str(self.member), 0, 1000)

    def _deposits(self) -> list[Kept]:
        query = sa.select(deposit).where(deposit.c.sender == str(self.member)).order_by(deposit.c.number)
        with self.gateway.database.read() as connection:
            return [kept(row) for row in connection.execute(query)]

    def _settled(self, enough: Callable[[State], bool]) -> None:
        """Wait for the sandbox: what it does in time is nobody's fault."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while not all(enough(one.state) for one in self._deposits()):
            if time.monotonic() > limit:
                raise NotTried("the sandbox has not answered in time; try again")
            self.gateway.engine.wake()
            time.sleep(_LOOK_SECONDS)
