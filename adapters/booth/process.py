"""The process in which deposits are examined, by children that can do little else.

Run by `adapters.booth`. It loads everything once and then forks when it is told to: a child gets deposits of
one sender over a line to the service. Before it gets the first byte it gives up opening files and
connections, starting others, most of its memory and time. It runs `gateway.process.examine`, the very checks
that could run in the service; what needs the registers or the trust it asks over the line.

When the service is gone, so is this process.
"""

from __future__ import annotations

import base64
import gc
import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.booth import words
from adapters.booth.words import SHORT, Words, receive, send
from adapters.faults import place_of
from adapters.pki import Authority, KeyKind, Subject, new_key
from gateway import process, wire
from gateway.agreement import Agreement
from gateway.batch import Header, MemberId
from gateway.moments import Received
from gateway.outcome import NotYet, Rejected
from gateway.procedures import PROCEDURES, procedure
from inbox.receive import Deposit
from signing import certificates
from signing.encrypted import CannotOpen
from signing.sign import Signer

FAILED = 1

_MEMBER = MemberId("2099990001299", "000001")
_PAGE = resource.getpagesize()


Examine = Callable[[socket.socket], bool]
"""Examines the next deposit of which a line tells; false when there is none any more."""


def confine(memory: int, seconds: int) -> None:
    """Give up, for good, all that examining deposits does not need.

    Args:
        memory: bytes of address space beyond what is in use now.
        seconds: of processor time, in all.
    """
    space = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE + memory
    for limit, most in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CPU, seconds + 1),  # a second after the signal that can be told apart
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def spare(seconds: int) -> None:
    """Let no more processor time be used from now on; rounded up to whole seconds by the kernel."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (min(math.ceil(_used() + seconds), most), most))


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class _Service:
    """The service at the other end of the line: what the counter asks of its desk."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def _ask(self, question: Words) -> Words:
        send(self._line, question)
        reply = receive(self._line, words.LONG)
        if reply is None:
            os._exit(FAILED)  # nobody waits for us any more
        return reply

    def member_of(self, certificate: x509.Certificate, _: Received) -> MemberId | None:
        member = self._ask({"ask": "member", "certificate": _spelt(certificate)})["member"]
        return None if member is None else words.member(words.text(member))

    def agreement_of(self, _: MemberId, __: Received) -> Agreement | None:
        agreement = self._ask({"ask": "agreement"})["agreement"]
        return None if agreement is None else words.agreement_of(cast(Words, agreement))

    def look(self, kind: str, content: bytes) -> str | None:
        fault = self._ask({"ask": "look", "kind": kind, "content": base64.b64encode(content).decode()})
        return cast("str | None", fault["fault"])

    def decrypt(self, _: bytes) -> bytes:
        """What the deposit holds; our key stays with the service."""
        opened = self._ask({"ask": "decrypt"})["opened"]
        if opened is None:
            raise CannotOpen
        return base64.b64decode(words.text(opened))

    def judge(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate], _: datetime, /
    ) -> certificates.Evidence:
        """Believe a certificate, or raise; the evidence stays with the service, here is none."""
        reply = self._ask(
            {"ask": "judge", "certificate": _spelt(certificate), "chain": [_spelt(one) for one in chain]}
        )
        if reply["verdict"] == "no":
            raise certificates.Untrusted(certificates.Distrust(str(reply["kind"])), str(reply["reason"]))
        if reply["verdict"] != "yes":
            raise certificates.CannotTell(str(reply["reason"]))
        return cast(certificates.Evidence, None)


def _spelt(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def examine(line: socket.socket) -> bool:
    """Examine the next deposit of which the line tells, and say there what was found.

    Returns:
        False when the service has none any more.

    Raises:
        MemoryError: there was not enough.
    """
    told = receive(line, SHORT)
    raw = words.receive_bytes(line, words.LONG) if told else None
    if told is None or raw is None:
        return False
    before = _used()
    spare(cast(int, told["seconds"]))
    service = _Service(line)
    desk = process.Desk(
        environment=words.text(told["environment"]),
        trust=service,
        member_of=service.member_of,
        look=service.look,
        agreement_of=service.agreement_of,
        decrypt=service.decrypt,
    )
    found = _found(raw, words.deposit_of(cast(Words, told["deposit"])), desk)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    send(line, {**found, "seconds": _used() - before, "peak": peak})
    return True


def _found(raw: bytes, deposit: Deposit, desk: process.Desk) -> Words:
    try:
        return {"batch": words.batch_words(process.examine(raw, deposit, desk).batch)}
    except Rejected as refusal:
        return {"rejected": words.anomaly_words(refusal.anomalies)}
    except NotYet as reason:
        return {"not yet": str(reason)}
    except MemoryError:
        raise
    except Exception as error:
        return {"failed": place_of(error)}


def serve(control: socket.socket, examine: Examine) -> None:
    """Start children that examine, and end them, as the service orders, until it is gone."""
    nothing = os.open(os.devnull, os.O_RDWR)
    while True:
        order, handed, _, _ = socket.recv_fds(control, 1, 1)
        told = receive(control, SHORT) if order else None
        if told is None:
            return
        if handed:
            child = os.fork()
            if not child:
                os.dup2(nothing, control.fileno())
                memory, seconds = cast(int, told["memory"]), cast(int, told["seconds"])
                _be_a_child(handed[0], memory, seconds, examine)
            os.close(handed[0])
            send(control, {"child": child})
        else:
            send(control, _ended(cast(int, told["child"]), told["kill"] is True))


def _ended(child: int, kill: bool) -> Words:
    if kill:
        os.kill(child, signal.SIGKILL)  # not waited for yet, so that the number is still its own
    _, status, used = os.wait4(child, 0)
    return {"ended": os.waitstatus_to_exitcode(status), "seconds": used.ru_utime + used.ru_stime}


def _be_a_child(line: int, memory: int, seconds: int, examine: Examine) -> NoReturn:
    ended = FAILED
    try:
        confine(memory, seconds)
        with socket.socket(fileno=line) as service:
            while examine(service):
                pass
        ended = 0
    except MemoryError:
        ended = words.OVER_MEMORY
    finally:
        os._exit(ended)


# what is loaded when it is first needed must be loaded before there is no opening of files any more


@dataclass(frozen=True, slots=True)
class _Anybody:
    """Believes every certificate."""

    def judge(
        self, _: x509.Certificate, __: Sequence[x509.Certificate], ___: datetime, /
    ) -> certificates.Evidence:
        return cast(certificates.Evidence, None)


def cannot_open(_: bytes) -> bytes:
    """Opens nothing, as where there is no key."""
    raise CannotOpen


def warm_up() -> None:
    """Examine a document and a container of our own making."""
    now = datetime.now(UTC)
    first, last = now - timedelta(days=1), now + timedelta(days=1)
    key = new_key(KeyKind.P256)
    certificate = Authority.create("warm-up", first, last).issue(
        Subject("warm-up"), key.public_key(), first, last
    )
    signer = Signer(key, certificate)
    code = "DECSAL"
    header = Header(code, "1.0", _MEMBER, "CCSS", "test", now)
    document = wire.write_batch(header, procedure(code).record, [{"Employer": _MEMBER.matricule}])
    desk = process.Desk(
        environment="test",
        trust=_Anybody(),
        member_of=lambda *_: _MEMBER,
        look=lambda *_: None,
        agreement_of=lambda *_: Agreement(frozenset(each.code for each in PROCEDURES)),
        decrypt=cannot_open,
    )
    for name, content in (
        (f"{code}.XML", signer.sign(document, now)),
        (f"{code}.ASICE", signer.sign_container({f"{code}.dta": b"0;\n"}, now)),
    ):
        _found(content, Deposit("", str(_MEMBER), name, len(content), "", now, "https"), desk)


def main(examine: Examine = examine) -> None:
    """Load, and serve on standard input, which is a socket."""
    warm_up()
    gc.collect()
    gc.freeze()
    gc.disable()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as control:
        os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdin.fileno())
        serve(control, examine)


if __name__ == "__main__":
    main()
