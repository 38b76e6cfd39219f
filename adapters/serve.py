"""The gateway put together: the only place that wires rooms, doors and cellar."""

from __future__ import annotations

import fcntl
import json
import signal
import ssl
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog
from cryptography import x509

from adapters import https
from adapters.billing.statements import Statements
from adapters.connections import HttpsServer, Limits, Listener, Peer, tls_context
from adapters.database import Database
from adapters.database.answers import SqlCollection
from adapters.database.deposits import Deposits
from adapters.database.members import Members, fingerprint
from adapters.engine import Engine
from adapters.https_billing import add_billing
from adapters.premises import Premises, seal_of
from adapters.scans import look
from adapters.settings import Settings
from adapters.sftp import SftpDoor, SftpSettings
from adapters.simulation import Simulations
from adapters.spool import Spool
from adapters.tray import Tray
from adapters.treatment import Treatment
from gateway.batch import MemberId
from gateway.moments import Clock, Received, system_clock
from gateway.parameters import law
from gateway.process import Desk
from inbox.receive import Inbox
from outbox.collect import Outbox
from signing.certificates import CannotTell, Trust, Untrusted
from xsd import catalogue


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the doors of a running gateway are."""

    https: str
    sftp: str

    def write(self, file: Path) -> None:
        """Leave the addresses where operators and scripts find them."""
        file.write_text(json.dumps({"https": self.https, "sftp": self.sftp}) + "\n")


class Gateway:
    """A whole gateway on its premises: doors, counter and cellar."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        # Read now: a broken form or parameter file refuses the start, not a deposit.
        catalogue()
        law()
        self.premises = Premises(settings.data)
        self.settings = settings
        self.clock = clock
        self.database = Database(self.premises.database)
        self.members = Members(self.database)
        self.spool = Spool(self.premises.spool, settings.largest_deposit)
        self.seal = seal_of(self.premises, settings)
        self.trust = Trust(self.premises.anchors, self.premises.revocations)
        desk = Desk(settings.environment, self.trust, self._signer, look, self.members.agreement)
        treatment = Treatment(self.database, self.spool, self.seal, desk, clock)
        self.simulations = Simulations(
            self.database, treatment, desk, self.seal, clock, largest=settings.largest_deposit
        )
        self.engine = Engine(self.database, treatment, clock)
        self.deposits = Deposits(self.database, self.seal, self.engine.wake)
        self.inbox = Inbox(self.spool.begin, self.deposits, clock)
        self.outbox = Outbox(SqlCollection(self.database), clock)

    def _signer(self, certificate: x509.Certificate, at: Received) -> MemberId | None:
        return self.members.of_certificate(fingerprint(certificate), at)

    def _visitor(self, peer: Peer, at: Received) -> MemberId | None:
        """The member who comes in with the certificates of a handshake; nobody once one is not believed.

        When revocation cannot be told now the member comes in: what is deposited waits at the counter.
        """
        member = self.members.of_certificate(peer.fingerprint, at)
        if member is not None:
            try:
                self.trust.judge(
                    x509.load_der_x509_certificate(peer.certificate), list(_readable(peer.chain)), at.at
                )
            except Untrusted:
                return None
            except CannotTell:
                pass
        return member

    def start(self) -> Doors:
        """Clear what a stop left behind, start the engine, open the doors.

        Raises:
            AlreadyOpen: another gateway runs on these premises.
        """
        self._lock = lock(self.premises)
        self.spool.sweep(self.deposits.ids())
        self.engine.start()
        self._sftp = SftpDoor(
            SftpSettings(host=self.settings.host, port=self.settings.sftp_port),
            inbox=self.inbox,
            outbox=self.outbox,
            tray=Tray(self.simulations),
            member_of=self.members.of_ssh_key,
            clock=self.clock,
            host_key=self.premises.ssh_host_key,
        )
        sftp_host, sftp_port = self._sftp.start()
        https_port = self._open_https()
        doors = Doors(f"https://{self.settings.host}:{https_port}", f"{sftp_host}:{sftp_port}")
        doors.write(self.premises.doors)
        return doors

    def _open_https(self) -> int:
        app = https.application(
            self.inbox,
            self.outbox,
            member_of=self._visitor,
            find_deposit=self.deposits.find,
        )
        add_billing(app, self.simulations, Statements(self.database, self.clock, self.settings.environment))
        limits = Limits()
        listener = Listener(self.settings.host, self.settings.https_port, limits)
        self._https = HttpsServer(app, self._tls, limits)
        self._https_thread = threading.Thread(
            target=self._https.run, args=(listener,), name="https", daemon=True
        )
        self._https_thread.start()
        return int(listener.getsockname()[1])

    def _tls(self) -> ssl.SSLContext:
        anchors = sorted(self.premises.anchors.glob("*.pem"))
        return tls_context(self.premises.tls_certificate, self.premises.tls_key, anchors)

    def stop(self) -> None:
        """Close the doors, then let the engine finish what it is at."""
        self._https.stop()
        self._https_thread.join()
        self._sftp.stop()
        self.engine.stop()
        self.database.close()
        self._lock.close()


def _readable(chain: Iterable[bytes]) -> Iterator[x509.Certificate]:
    """The certificates of a chain that are spelt right: nobody is kept out for what is beside the path."""
    for der in chain:
        with suppress(ValueError):
            yield x509.load_der_x509_certificate(der)


class AlreadyOpen(Exception):
    """Two gateways on one data folder would treat the same deposits."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"a gateway runs on {folder} already; stop it first, or name another folder")


def lock(premises: Premises) -> IO[str]:
    """Take the premises for this process; given back when the file is closed or the process ends.

    Raises:
        AlreadyOpen: another process has them.
    """
    file = (premises.folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyOpen(premises.folder) from None
    return file


def serve(settings: Settings) -> None:
    """Run a gateway until it is told to stop (SIGTERM or SIGINT)."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    gateway = Gateway(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    doors = gateway.start()
    announce(doors)
    stop.wait()
    gateway.stop()


def announce(doors: Doors) -> None:
    """Tell the operator where the doors are."""
    print(f"Secugate is open.  HTTPS {doors.https}  SFTP {doors.sftp}", flush=True)  # noqa: T201
