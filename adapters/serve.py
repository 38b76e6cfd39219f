"""The gateway put together: the only place that wires rooms, doors and cellar."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

import structlog
from cryptography import x509

from adapters import https
from adapters.billing.statements import Statements
from adapters.booth import booths
from adapters.connections import (
    HttpsServer,
    Limits,
    Listener,
    Peer,
    ProxyListener,
    proxy_secret,
    tls_context,
)
from adapters.database.answers import SqlCollection
from adapters.database.clients import Clients
from adapters.database.deposits import Deposits
from adapters.database.members import Members, fingerprint
from adapters.database.releases import Releases
from adapters.engine import Engine
from adapters.erasure import open_store
from adapters.evidence import Packs
from adapters.heads import Heads, Proofs
from adapters.https_billing import add_billing
from adapters.https_evidence import add_evidence
from adapters.https_keys import add_keys
from adapters.https_releases import add_releases
from adapters.keys import Keys
from adapters.limits import Gate
from adapters.oauth import TOKEN_PATH, Tokens, add_tokens
from adapters.premises import (
    Premises,
    authority_of,
    check_private,
    database_of,
    decryption_of,
    seal_of,
    spool_of,
    trust_of,
)
from adapters.scans import look
from adapters.settings import Settings
from adapters.sftp import SftpDoor, SftpSettings
from adapters.simulation import Simulations
from adapters.stamping import Stamping
from adapters.time_authority import TimeAuthority
from adapters.tray import Tray
from adapters.treatment import Treatment
from adapters.triples import Triples
from gateway.batch import MemberId
from gateway.moments import Clock, Received, system_clock
from gateway.parameters import law
from gateway.process import Desk
from inbox.receive import Inbox, Upload
from outbox.collect import Outbox
from signing.certificates import MEMBERS, CannotTell, Untrusted, anchors_for, load_seals
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
        booths().open()  # takes a while to be ready, which nobody waits for yet
        law()
        self.premises = Premises(settings.data)
        self.settings = settings
        self.clock = clock
        self.database = database_of(settings, clock)
        self.members = Members(self.database)
        self.clients = Clients(self.database)
        self.gate = Gate(settings.allowances)
        self.spool = spool_of(settings, self.database)
        check_private(self.premises)
        self.seal = seal_of(self.premises, settings)
        self.trust = trust_of(self.premises, settings)
        decrypt = decryption_of(self.premises)
        desk = Desk(
            settings.environment,
            self.trust,
            self._signer,
            look,
            self.members.agreement,
            decrypt,
        )
        alarm = timedelta(minutes=settings.revocation_alarm)
        treatment = Treatment(self.database, self.spool, self.seal, desk, clock, alarm)
        self.simulations = Simulations(
            self.database, treatment, desk, self.seal, clock, largest=settings.largest_deposit
        )
        self.heads = Heads(self.database, self.seal)
        self.packs = Packs(self.database, self.spool, self.seal, self.heads, decrypt, clock)
        self.engine = Engine(self.database, treatment, self.heads, clock)
        overlap = timedelta(days=settings.key_overlap)
        self.keys = Keys(self.database, self.seal, clock, self.trust, authority_of(self.premises), overlap)
        self.deposits = Deposits(self.database, self.seal, self.engine.wake)
        self.stamping = self._stamping()
        self.inbox = Inbox(self._begin, self.deposits, clock)
        self.outbox = Outbox(SqlCollection(self.database), clock)

    def _stamping(self) -> Stamping | None:
        """What has our seals stamped, where a time-stamp authority is set."""
        url, anchor = self.settings.tsa_url, self.settings.tsa_anchor
        if url is None or anchor is None:
            return None
        authority = TimeAuthority(url, load_seals(anchor))
        limit = timedelta(minutes=self.settings.tsa_age_limit)
        return Stamping(self.database, authority, self.clock, limit)

    def _begin(self) -> Upload:
        """Open an upload, unless we could not prove later what we take in.

        Raises:
            Unprovable: what was taken in before has waited too long for a time stamp.
        """
        if self.stamping is not None:
            self.stamping.admit()
        return self.spool.begin()

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

    def _sends_triples(self, member: MemberId) -> bool:
        agreed = self.members.agreement(member, Received(self.clock()))
        return agreed is not None and agreed.triples

    def start(self) -> Doors:
        """Clear what a stop left behind, start the engine, open the doors.

        Raises:
            AlreadyOpen: another gateway runs on these premises.
            UnusableMasterKey: it is missing, open to others, or not the one of this store.
        """
        self._lock = lock(self.premises)
        again = open_store(self.database, Received(self.clock()))
        if again:
            structlog.get_logger().warning("erasures.repeated", keys=again)
        self.spool.sweep(self.deposits.ids())
        self.engine.start()
        if self.stamping is not None:
            self.stamping.start()
        self._sftp = SftpDoor(
            SftpSettings(host=self.settings.host, port=self.settings.sftp_port),
            inbox=self.inbox,
            outbox=self.outbox,
            tray=Tray(self.simulations),
            triples=Triples(self._sends_triples, self.settings.largest_deposit),
            member_of=self.members.of_ssh_key,
            clock=self.clock,
            gate=self.gate,
            host_key=self.premises.ssh_host_key,
        )
        sftp_host, sftp_port = self._sftp.start()
        doors = Doors(self._open_https(), f"{sftp_host}:{sftp_port}")
        doors.write(self.premises.doors)
        return doors

    def _open_https(self) -> str:
        """Open the HTTPS door; its address as members write it."""
        settings, limits = self.settings, Limits()
        listener: socket.socket
        if settings.proxy_socket is not None and settings.proxy_secret is not None:
            way: Callable[[], ssl.SSLContext] | bytes = proxy_secret(settings.proxy_secret)
            listener = ProxyListener(settings.proxy_socket, os.geteuid())
            address = settings.address or f"https://{settings.host}"
        else:
            way = self._tls
            listener = Listener(settings.host, settings.https_port, limits)
            address = settings.address or f"https://{settings.host}:{listener.getsockname()[1]}"
        app = https.application(
            self.inbox,
            self.outbox,
            member_of=self._visitor,
            access_of=self.clients.access,
            find_deposit=self.deposits.find,
            gate=self.gate,
        )
        add_billing(app, self.simulations, Statements(self.database, self.clock, self.settings.environment))
        add_evidence(app, Proofs(self.database), self.packs)
        add_releases(app, Releases(self.database), self.engine.wake, self.clock)
        add_keys(app, self.keys, self.members, self.clock)
        add_tokens(app, Tokens(self.clients, address + TOKEN_PATH, self.clock), self.gate)
        self._https = HttpsServer(app, way, limits)
        self._https_thread = threading.Thread(
            target=self._https.run, args=(listener,), name="https", daemon=True
        )
        self._https_thread.start()
        return address

    def _tls(self) -> ssl.SSLContext:
        anchors = anchors_for(self.premises.anchors, MEMBERS)
        return tls_context(self.premises.tls_certificate, self.premises.tls_key, anchors)

    def stop(self) -> None:
        """Close the doors, then let the engine finish what it is at."""
        self._https.stop()
        self._https_thread.join()
        self._sftp.stop()
        if self.stamping is not None:
            self.stamping.stop()
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
