"""Booths: processes in which deposits are examined, so that no XML from outside is read by the service.

Parsing, canonicalizing, verifying and validating untrusted bytes may take all memory or time there is, or
meet a hole in a library. So checks 1 to 7 of the counter are made by a process of their own for each deposit
(`adapters.booth.process`), with limits that grow with the deposit, and without files or connections. The
service keeps the registers, the trust and the evidence, answers the questions of the booth, and gets
the batch in plain words.

What a booth says is bound to its deposit: a batch is taken only if it is of the member who deposited, and
only if the service itself has believed the certificate. See docs/decisions/0014.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import structlog
from cryptography import x509

from adapters.booth import words
from adapters.booth.words import Garbled, Words
from gateway.attachments import KINDS
from gateway.batch import Anomaly, Batch, MemberId
from gateway.moments import Received
from gateway.outcome import NotYet, Rejected
from gateway.process import Desk, Examined
from inbox.receive import Deposit
from signing import certificates, container
from signing.encrypted import CannotOpen, is_encrypted

log = structlog.get_logger()

COMMAND = (sys.executable, "-I", "-B", "-m", "adapters.booth.process")

MEGABYTE = 1 << 20
MEMORY = 128 * MEGABYTE
"""Beside what a process has loaded; the rest grows with the deposit."""
MEMORY_OF_A_BYTE = 100
SECONDS = 2
SECONDS_OF_A_MEGABYTE = 2
UNPACKED = 25
"""How many times larger than its container the text of a batch is taken to be."""
PATIENCE_SECONDS = 30.0
"""By the clock on the wall, beside ten times the processor time: a booth that says nothing is closed."""
SMALL = MEGABYTE
"""Bytes of a deposit whose booth may be used again."""
USES = 100
"""Deposits of one sender that a booth may examine one after the other."""
KEPT = 8
"""Booths kept for senders who may send more."""

_LIMIT = "FILE-LIMITS"


class Fault(Exception):
    """A booth failed at a deposit, and not at its limits: ours until somebody has looked."""


class _OverBudget(Exception):
    """A deposit wanted more than it may have."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the examination of a deposit may take.

    Attributes:
        memory: bytes beside what a booth has loaded.
        seconds: of processor time.
    """

    memory: int
    seconds: int

    @classmethod
    def of(cls, raw: bytes) -> Budget:
        """The budget for a deposit: linear in its bytes, or in those it may unpack to."""
        size = len(raw)
        if raw.startswith(container.MAGIC) or is_encrypted(raw):
            size = min(UNPACKED * size, max(size, container.Limits().size))
        return cls(MEMORY + MEMORY_OF_A_BYTE * size, SECONDS + SECONDS_OF_A_MEGABYTE * size // MEGABYTE)

    @property
    def twice(self) -> Budget:
        return Budget(2 * self.memory, 2 * self.seconds)


_MOST = Budget(MEMORY + MEMORY_OF_A_BYTE * SMALL, SECONDS + SECONDS_OF_A_MEGABYTE)
"""Of a booth that may be used again."""


class Booths:
    """Booths, one for each deposit or for several good ones of a sender. May be shared by threads.

    Args:
        command: of the process that forks for them.
        patience: seconds on the wall that a booth may take beside ten times its processor time.
    """

    def __init__(self, command: Sequence[str] = COMMAND, patience: float = PATIENCE_SECONDS) -> None:
        self._command = command
        self._patience = patience
        self._kept: OrderedDict[str, _Booth] = OrderedDict()
        self._house: _House | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Begin to load what booths need, so that the first deposit does not wait for it."""
        with self._lock:
            self._standing()

    def examine(self, raw: bytes, deposit: Deposit, desk: Desk) -> Examined:
        """As `gateway.process.examine`, in a booth.

        A deposit that twice wants more than its budget, the second time double, is refused: FILE-LIMITS.

        Raises:
            Rejected, NotYet: as there.
            Fault: the booth broke; nobody knows yet whose fault it is.
        """
        budget = Budget.of(raw)
        try:
            return self._examine(raw, deposit, desk, budget)
        except _OverBudget as first:
            log.warning("booth.over_budget", deposit=deposit.id, reason=str(first))
        try:
            return self._examine(raw, deposit, desk, budget.twice)
        except _OverBudget as again:
            raise Rejected(Anomaly(_LIMIT, value=str(again))) from None

    def _examine(self, raw: bytes, deposit: Deposit, desk: Desk, budget: Budget) -> Examined:
        small = budget.memory <= _MOST.memory and budget == Budget.of(raw)
        with self._lock:
            booth = self._kept.pop(deposit.sender, None) if small else None
            house = self._standing()
        if booth is None:
            booth = house.booth(Budget(_MOST.memory, USES * _MOST.seconds) if small else budget)
        examined = None
        try:
            examined = booth.examine(raw, _Conversation(raw, deposit, desk), budget)
            return examined
        finally:
            # Whatever a refused deposit may have done to its booth, the next one does not meet it.
            if examined is not None and small and booth.uses < USES:
                self._keep(deposit.sender, booth)
            else:
                booth.end()

    def _keep(self, sender: str, booth: _Booth) -> None:
        with self._lock:
            before = self._kept.pop(sender, None)
            self._kept[sender] = booth
            oldest = self._kept.popitem(last=False)[1] if len(self._kept) > KEPT else None
        for each in (before, oldest):
            if each is not None:
                each.end()

    def _standing(self) -> _House:
        if self._house is None or not self._house.stands:
            self._kept.clear()
            self._house = _House(self._command, self._patience)
        return self._house

    def close(self) -> None:
        """End all."""
        with self._lock:
            self._kept.clear()
            if self._house is not None:
                self._house.fall()
            self._house = None


@cache
def booths() -> Booths:
    """Those of this process. They end with it."""
    return Booths()


class _Conversation:
    """The service's side while one deposit is examined."""

    def __init__(self, raw: bytes, deposit: Deposit, desk: Desk) -> None:
        self._raw = raw
        self._deposit = deposit
        self._desk = desk
        self._received = Received(deposit.received)
        self._member = words.member(deposit.sender)
        self._evidence: certificates.Evidence | None = None
        self._judged: certificates.Evidence | None = None
        self._holders: dict[x509.Certificate, MemberId | None] = {}

    @property
    def opening(self) -> Words:
        return {"deposit": words.deposit_words(self._deposit), "environment": self._desk.environment}

    def reply(self, question: Words) -> Words:
        """The answer to a question of the booth.

        Raises:
            Garbled: it is none.
        """
        match question.get("ask"):
            case "member":
                member = self._holder(_certificate(question.get("certificate")))
                return {"member": None if member is None else str(member)}
            case "agreement":
                agreement = self._desk.agreement_of(self._member, self._received)
                return {"agreement": None if agreement is None else words.agreement_words(agreement)}
            case "look":
                return {"fault": self._look(question)}
            case "judge":
                return self._judge(question)
            case "decrypt":
                return {"opened": self._opened()}
            case _:
                raise Garbled("an unknown question")

    def _look(self, question: Words) -> str | None:
        kind = words.text(question.get("kind"))
        if kind not in {each.code for each in KINDS}:
            raise Garbled("an unknown kind of attachment")
        return self._desk.look(kind, _bytes(question.get("content")))

    def _opened(self) -> str | None:
        try:
            return base64.b64encode(self._desk.decrypt(self._raw)).decode()
        except CannotOpen:
            return None

    def _holder(self, certificate: x509.Certificate) -> MemberId | None:
        """Whose a certificate is, which is asked twice: before the signature is verified, and after."""
        if certificate not in self._holders:
            self._holders[certificate] = self._desk.member_of(certificate, self._received)
        return self._holders[certificate]

    def _judge(self, question: Words) -> Words:
        certificate = _certificate(question.get("certificate"))
        chain = [_certificate(one) for one in words.texts(question.get("chain"))]
        if self._holder(certificate) != self._member:
            raise Garbled("a certificate that is not the depositor's")
        try:
            self._evidence = self._judged = self._desk.trust.judge(certificate, chain, self._received.at)
        except certificates.Untrusted as no:
            self._judged = no.seen
            return {"verdict": "no", "kind": no.kind.value, "reason": no.reason}
        except certificates.CannotTell as unknown:
            return {"verdict": "cannot tell", "reason": str(unknown)}
        return {"verdict": "yes"}

    def go_on(self, line: socket.socket, most: int, until: float) -> Words | None:
        """Answer questions until the last words come; None when the booth has ended before.

        Args:
            line: to the booth.
            most: bytes that it may say at once.
            until: when patience ends.
        """
        while True:
            said = words.receive(line, most, until)
            if said is None or "ask" not in said:
                return said
            words.send(line, self.reply(said))

    def concluded(self, answer: Words) -> Examined:
        """What the booth's last words mean.

        Raises:
            Rejected, NotYet: it found that.
            Fault: it could not do it.
        """
        match answer:
            case {"batch": told}:
                batch = words.batch_of(told)
                if self._evidence is None or not _is_of(batch, self._member):
                    raise Garbled("a batch that nobody signed")
                return Examined(batch, self._evidence)
            case {"rejected": [_, *_] as told}:
                raise Rejected(*words.anomalies_of(told), judged=self._judged)
            case {"not yet": str(reason)}:
                raise NotYet(reason)
            case {"failed": str(place)}:
                raise Fault(place)
            case _:
                raise Garbled("an unknown answer")


def _is_of(batch: Batch, member: object) -> bool:
    return all(each.header.sender == member for each in (batch, *batch.parts))


def _bytes(word: object) -> bytes:
    try:
        return base64.b64decode(words.text(word), validate=True)
    except ValueError:
        raise Garbled("not base64") from None


def _certificate(word: object) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(_bytes(word))
    except ValueError:
        raise Garbled("not a certificate") from None


class _House:
    """The process that forks for booths."""

    def __init__(self, command: Sequence[str], patience: float) -> None:
        self.patience = patience
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        self.stands = True

    def booth(self, budget: Budget) -> _Booth:
        """A new booth.

        Raises:
            Fault: there is none to be had.
        """
        line, theirs = socket.socketpair()
        with theirs:
            try:
                told = self._order({"memory": budget.memory, "seconds": budget.seconds}, theirs.fileno())
            except Fault:
                line.close()
                raise
        return _Booth(self, line, words.number(told.get("child")))

    def ended(self, child: int, *, kill: bool) -> Words:
        """How a booth ended.

        Args:
            child: its number.
            kill: end it now; otherwise it is known to end.
        """
        return self._order({"child": child, "kill": kill})

    def _order(self, order: Words, *handed: int) -> Words:
        with self._lock:
            try:
                socket.send_fds(self._control, [b"!"], handed)
                words.send(self._control, order)
                told = words.receive(self._control, words.SHORT, time.monotonic() + PATIENCE_SECONDS)
            except OSError:
                told = None
            if told is None:
                self.fall()
                raise Fault("the process of the booths is gone")
            return told

    def fall(self) -> None:
        """End it, and all it has started."""
        if self.stands:
            self.stands = False
            self._control.close()
            # Not waited for yet, so that the number is still its own.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class _Booth:
    """One process; one deposit at a time."""

    def __init__(self, house: _House, line: socket.socket, child: int) -> None:
        self._house = house
        self._line = line
        self._child = child
        self.uses = 0

    def examine(self, raw: bytes, conversation: _Conversation, budget: Budget) -> Examined:
        """Have a deposit examined.

        Raises:
            Rejected, NotYet: it found that.
            Fault: it broke.
            _OverBudget: it wanted more.
        """
        self.uses += 1
        patience = self._house.patience + 10 * budget.seconds
        until = time.monotonic() + patience
        self._line.settimeout(patience)
        try:
            words.send(self._line, {**conversation.opening, "seconds": budget.seconds})
            words.send_bytes(self._line, raw)
            answer = conversation.go_on(self._line, budget.memory, until)
        except TimeoutError:
            raise Fault("a booth said nothing") from None
        except (BrokenPipeError, ConnectionResetError):
            answer = None
        if answer is None:
            child, self._child = self._child, 0
            raise _why(self._house.ended(child, kill=False), budget)
        return conversation.concluded(answer)

    def end(self) -> None:
        """It is not needed any more, or has ended already."""
        self._line.close()
        if self._child and self._house.stands:
            with suppress(Fault):
                self._house.ended(self._child, kill=True)


def _why(ended: Words, budget: Budget) -> Exception:
    """Why a booth has ended by itself."""
    code, seconds = ended.get("ended"), ended.get("seconds")
    if code == words.OVER_MEMORY:
        return _OverBudget(f"more than {budget.memory // MEGABYTE} MiB of memory were needed to read it")
    late = code == -signal.SIGKILL and isinstance(seconds, float) and seconds >= budget.seconds
    if code == -signal.SIGXCPU or late:
        return _OverBudget(f"more than {budget.seconds} s of processor time were needed to read it")
    return Fault(f"a booth ended with {code}")
