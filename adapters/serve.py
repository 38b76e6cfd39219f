"""The gateway put together: the only place that wires rooms, doors and cellar."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa
import structlog
from cryptography import x509
from fastapi import FastAPI

from adapters import https
from adapters.billing.statements import Statements
from adapters.booth import booths
from adapters.calling import Caller
from adapters.connections import (
    HttpsServer,
    Limits,
    Listener,
    Peer,
    ProxyListener,
    Served,
    proxy_secret,
    tls_context,
)
from adapters.console.access import Console
from adapters.console.desk import add_desk
from adapters.console.pages import add_console
from adapters.console.published import Published, add_indicators
from adapters.database import portal as papers
from adapters.database.answers import SqlCollection
from adapters.database.circumstances import Circumstances
from adapters.database.clients import Clients
from adapters.database.deposits import Deposits
from adapters.database.following import Following
from adapters.database.members import Members, fingerprint
from adapters.database.migrations import check as check_schema
from adapters.database.passkeys import Passkeys
from adapters.database.prefill import Prefill
from adapters.database.releases import Releases
from adapters.database.staff import Staff
from adapters.database.visits import Visits
from adapters.database.waits import RecentWaits
from adapters.database.webhooks import Webhooks
from adapters.durable import write_again
from adapters.engine import Engine
from adapters.engine import Treatment as Treating
from adapters.erasure import open_store
from adapters.evidence import Packs
from adapters.extras import extra
from adapters.faults import place_of
from adapters.heads import Heads, Proofs
from adapters.https_billing import add_billing
from adapters.https_evidence import add_evidence
from adapters.https_keys import add_keys
from adapters.https_releases import add_releases
from adapters.https_uploads import add_uploads
from adapters.https_webhooks import add_webhooks
from adapters.keys import Keys
from adapters.limits import Gate
from adapters.metrics import REGISTRY, Observed, ObservedTreatment, Shelf, count_alarm
from adapters.oauth import TOKEN_PATH, Tokens, add_tokens
from adapters.operations import (
    OperationsPort,
    Readiness,
    add_readiness,
    database_answers,
    engine_turns,
    has_room,
    seal_lasts,
)
from adapters.pages import frame
from adapters.pages.oidc import Provider, add_oidc
from adapters.pages.passkeys import Relying, add_passkeys, host_of
from adapters.pages.sign_in import add_sign_in
from adapters.portal.access import add_access
from adapters.portal.awaited import Awaited
from adapters.portal.bills import Bills
from adapters.portal.checking import Checking
from adapters.portal.clients import add_clients, add_letterbox
from adapters.portal.clients import add_releases as add_portal_releases
from adapters.portal.deadlines import add_deadlines
from adapters.portal.editing import add_editing
from adapters.portal.following import add_following
from adapters.portal.home import add_home
from adapters.portal.invoices import add_invoices
from adapters.portal.key import PortalKeys, add_key
from adapters.portal.letterbox import Letterbox
from adapters.portal.mandates import Mandating
from adapters.portal.sending import Sending, add_sending
from adapters.portal.webhooks import add_webhook_pages
from adapters.premises import (
    Premises,
    authority_of,
    check_private,
    database_of,
    decryption_of,
    seal_of,
    spool_of,
    trust_of,
    witness_of,
)
from adapters.scans import look
from adapters.settings import Settings
from adapters.sftp import SftpDoor, SftpSettings
from adapters.simulation import Simulations
from adapters.stamping import Stamping
from adapters.stores import Unreachable
from adapters.time_authority import TimeAuthority
from adapters.tray import Tray
from adapters.treatment import Treatment
from adapters.triples import Triples
from adapters.webhooks import Delivery
from adapters.witness import WitnessedHeads, WitnessedRegister, WitnessedShelves
from gateway.batch import MemberId
from gateway.moments import Clock, Received, system_clock
from gateway.parameters import law
from gateway.process import Desk
from inbox.receive import Inbox, Register, Upload
from outbox.collect import Outbox
from signing.anchors import MEMBERS, anchors_for
from signing.certificates import CannotTell, Untrusted, load_certificate, load_seals
from signing.sign import UnusableKey
from xsd import catalogue

if TYPE_CHECKING:  # only with the extra is it there
    from adapters.traces import Traces

CLOSED_DOOR = os.EX_OSERR
"""Status of a process that ended because a door of it could not be served."""
SIGNAL_SECONDS = 1.0
"""Between two looks for a signal: one that the kernel gives to another thread wakes nobody who waits."""
GRACE = timedelta(days=1)
"""So long after it was put a file in a store that several machines use may still be entered."""


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
        self._counter = desk
        alarm = timedelta(minutes=settings.revocation_alarm)
        treatment = self._treatment(desk, alarm)
        self.simulations = Simulations(
            self.database, treatment, desk, self.seal, clock, largest=settings.largest_deposit
        )
        self.heads = Heads(self.database, self.seal)
        self.packs = Packs(self.database, self.spool, self.seal, self.heads, decrypt, clock)
        self.witness = witness_of(settings, self.database)
        heads = WitnessedHeads(self.heads, self.witness.note)
        self._traces: Traces | None = None
        if settings.traces:
            with extra("opentelemetry"):
                traces = import_module("adapters.traces")
            self._traces = traces.Traces(settings.traces, clock)
        self.engine = Engine(self.database, self._watched(treatment), heads, clock)
        overlap = timedelta(days=settings.key_overlap)
        self.keys = Keys(self.database, self.seal, clock, self.trust, authority_of(self.premises), overlap)
        self.deposits = Deposits(self.database, self.seal, self.engine.wake)
        self.waits = RecentWaits(self.database)
        self.stamping = self._stamping()
        self.inbox = Inbox(self._begin, self._entering(), clock)
        self.outbox = Outbox(WitnessedShelves(SqlCollection(self.database), self.witness.note), clock)
        self.shelf = Shelf(self.database, clock)
        self._open = False
        self._stops = threading.Event()
        self.readiness = self._readiness()
        self.operations: OperationsPort | None = None

    def _watched(self, treatment: Treating) -> Treating:
        observed = ObservedTreatment(treatment)
        return observed if self._traces is None else self._traces.treatment(observed, self.database)

    def _entering(self) -> Register:
        register = Observed(WitnessedRegister(self.deposits, self.witness.note), self.clock)
        return register if self._traces is None else self._traces.register(register)

    def _treatment(self, desk: Desk, alarm: timedelta) -> Treatment:
        return Treatment(self.database, self.spool, self.seal, desk, self.clock, alarm)

    def _readiness(self) -> Readiness:
        """What has to be true for a deposit to be taken and treated."""
        settings, incoming = self.settings, self.spool.incoming
        return Readiness(
            {
                "doors": lambda: None if self._open else "the doors are closed",
                "register": lambda: database_answers(self.database),
                "deposits": lambda: has_room(incoming, settings.largest_deposit),
                "engine": lambda: engine_turns(self.engine.stood),
                "seal": lambda: seal_lasts(load_seals(self.premises.signing_certificate)[0], self.clock),
                "stamps": lambda: None if self.stamping is None else self.stamping.admit(),
            }
        )

    def _stamping(self) -> Stamping | None:
        """What has our seals stamped, where a time-stamp authority is set."""
        url, anchor = self.settings.tsa_url, self.settings.tsa_anchor
        if url is None or anchor is None:
            return None
        authority = TimeAuthority(url, load_seals(anchor))
        limit = timedelta(minutes=self.settings.tsa_age_limit)
        return Stamping(self.database, authority, self.clock, limit, self.engine.leads)

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
            WrongSchema: the database has another form than this program needs.
            Older, Unwitnessed: the database is older than what was promised on it, or nobody can tell.
        """
        self._lock = lock(self.premises, shared=self.database.is_shared)
        # What a failed sync left in memory alone would be taken for kept: see docs/decisions/0020.
        write_again(self.premises.database.with_name(f"{self.premises.database.name}-wal"))
        check_schema(self.database)
        # Before anything is cleared: what an older database does not know was promised all the same.
        self.witness.check()
        again = open_store(self.database, Received(self.clock()))
        if again:
            structlog.get_logger().warning("erasures.repeated", keys=again)
        self._clear()
        self.engine.start()
        if self.stamping is not None:
            self.stamping.start()
        self._sftp = SftpDoor(
            SftpSettings(
                host=self.settings.host, port=self.settings.sftp_port, shared=self.database.is_shared
            ),
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
        self._open = True
        REGISTRY.register(self.shelf)
        if self.settings.operations_port is not None:
            port = self.settings.operations_port
            self.operations = OperationsPort(self.settings.operations_host, port, self.readiness)
            self.operations.start()
        return doors

    def _clear(self) -> None:
        """Clear what uploads left behind; then, while the doors are open, set aside what was never receipted.
        Where others put files too, only what is too old to come yet."""
        until = self.clock() - GRACE if self.spool.store.is_shared or self.database.is_shared else None
        self.spool.clear(until)
        self._sweeping = threading.Thread(target=self._sweep, args=(until,), name="sweep", daemon=True)
        self._sweeping.start()

    def _sweep(self, until: datetime | None) -> None:
        try:
            found = self.spool.sweep(self._entered, until)
        except (Unreachable, OSError, sa.exc.DBAPIError) as error:  # the next start looks again
            structlog.get_logger().warning("spool.not_swept", reason=type(error).__name__)
            return
        if found:
            structlog.get_logger().warning("spool.set_aside", files=found)

    def _entered(self, ids: Sequence[str]) -> set[str]:
        if self._stops.is_set():
            raise Unreachable("the gateway stops")
        return self.deposits.entered(ids)

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
            listener = Listener(settings.host, settings.https_port, limits, shared=self.database.is_shared)
            address = settings.address or f"https://{settings.host}:{listener.getsockname()[1]}"
        app = https.application(
            self.inbox,
            self.outbox,
            member_of=self._visitor,
            access_of=self.clients.access,
            find_deposit=self.deposits.find,
            expected=self.waits.expected,
            gate=self.gate,
        )
        add_uploads(app, self.inbox, settings.largest_deposit)
        add_readiness(app, self.readiness)
        add_billing(app, self.simulations, Statements(self.database, self.clock, self.settings.environment))
        add_evidence(app, Proofs(self.database), self.packs)
        add_releases(app, Releases(self.database), self.engine.wake, self.clock)
        add_keys(app, self.keys, self.members, self.clock)
        webhooks, caller = Webhooks(self.database), Caller()
        add_webhooks(app, webhooks, caller, self.clock)
        self._delivery = Delivery(webhooks, self.seal, self.clock, address, self.engine.leads, caller)
        self._delivery.start()
        add_tokens(app, Tokens(self.clients, address + TOKEN_PATH, self.clock), self.gate)
        self._https = HttpsServer(self._front(frame.Hall(self._pages(address), app), app), way, limits)
        self._https_thread = threading.Thread(
            target=_keep_door, args=(self._https, listener), name="https", daemon=True
        )
        self._https_thread.start()
        return address

    def _front(self, hall: Served, door: FastAPI) -> Served:  # noqa: ARG002 (a sandbox adds to it)
        """What a request meets first."""
        return hall

    def _pages(self, address: str) -> FastAPI:
        """The pages for people, at the portal and at the console."""
        visits, environment = Visits(self.database), self.settings.environment
        pages = frame.Pages(visits, self.gate, self.clock, environment, self._visitor)
        app = frame.application(pages)
        add_sign_in(app, pages)
        provider = self._provider(address)
        if provider is not None:
            add_oidc(app, pages, provider)
        host = host_of(address)
        if host is not None:
            add_passkeys(app, Relying(pages, Passkeys(self.database), address, host))
        self._add_portal(app, pages)
        self._add_accounts(app, pages, address)
        self._add_console(app)
        return app

    def _provider(self, address: str) -> Provider | None:
        """The identity provider of members' people, where one is set."""
        settings = self.settings
        if settings.oidc_issuer is None or settings.oidc_secret is None:
            return None
        if settings.oidc_secret.stat().st_mode & 0o077:
            raise UnusableKey(f"{settings.oidc_secret} may be read by others: make its mode 0600")
        secret = settings.oidc_secret.read_text().strip()
        return Provider(settings.oidc_issuer, settings.oidc_client, secret, address)

    def _add_portal(self, app: FastAPI, pages: frame.Pages) -> None:
        """The members' portal, in the order of its menu."""
        desk, following = papers.Desk(self.database), Following(self.database)
        checking = Checking(desk, self.simulations, self._counter, self.clock, self.settings.environment)
        portal_keys = PortalKeys(self.database, desk, self.seal, authority_of(self.premises))
        add_home(app, pages, following, desk)
        add_sending(app, pages, checking, Sending(desk, self.inbox, pages))
        add_following(app, pages, following, self.deposits.find, self.waits.expected, self.outbox)
        add_editing(app, pages, desk, checking, following, Prefill(self.database), self.outbox)
        add_key(app, pages, desk, portal_keys)

    def _add_accounts(self, app: FastAPI, pages: frame.Pages, address: str) -> None:
        """The portal's pages of invoices, deadlines, clients, keys and people."""
        statements = Statements(self.database, self.clock, self.settings.environment)
        awaited, desk = Awaited(self.database, self.clock), papers.Desk(self.database)
        checking = Checking(desk, self.simulations, self._counter, self.clock, self.settings.environment)
        add_invoices(app, pages, Bills(self.database, self.clock, statements), statements)
        add_deadlines(app, pages, awaited, Circumstances(self.database))
        add_clients(app, pages, awaited, Mandating(pages, desk, checking))
        add_portal_releases(app, pages, Releases(self.database), self.engine.wake)
        add_letterbox(app, pages, Letterbox(self.database), self.outbox, self.packs)
        add_access(app, pages, self.members, self.keys, address)
        add_webhook_pages(app, pages, Webhooks(self.database), Caller())

    def _add_console(self, app: FastAPI) -> None:
        """The operator's console, and what the gateway publishes of itself."""
        console = Console(self.database, self._staff, self.spool, self.packs, self.settings, self.clock)
        add_console(app, console)
        add_desk(app)
        add_indicators(app, Published(self.database, self.clock))

    def _staff(self) -> Staff:
        """The register of staff, under the seal that we have now."""
        return Staff(self.database, fingerprint(load_certificate(self.premises.signing_certificate)))

    def _tls(self) -> ssl.SSLContext:
        anchors = anchors_for(self.premises.anchors, MEMBERS)
        return tls_context(self.premises.tls_certificate, self.premises.tls_key, anchors)

    def stop(self) -> None:
        """Close the doors, then let the engine finish what it is at."""
        self._open = False
        self._stops.set()
        self._sweeping.join()
        REGISTRY.unregister(self.shelf)
        self._https.stop()
        self._https_thread.join()
        self._sftp.stop()
        self._delivery.stop()
        if self.stamping is not None:
            self.stamping.stop()
        self.engine.stop()
        if self.operations is not None:
            self.operations.stop()
        if self._traces is not None:
            self._traces.close()
        self.database.close()
        self._lock.close()


def _keep_door(door: HttpsServer, listener: socket.socket) -> None:
    """Serve until stopped. A door that cannot be served ends the process: its socket would go on taking
    connections that nobody answers, and the supervisor's next start may succeed."""
    try:
        door.run(listener)
    except Exception as error:  # of whatever kind: mostly, no descriptor is left
        structlog.get_logger().error("https.door_closed", reason=place_of(error))
        os._exit(CLOSED_DOOR)


def _readable(chain: Iterable[bytes]) -> Iterator[x509.Certificate]:
    """The certificates of a chain that are spelt right: nobody is kept out for what is beside the path."""
    for der in chain:
        with suppress(ValueError):
            yield x509.load_der_x509_certificate(der)


class AlreadyOpen(Exception):
    """Two gateways on one database file would treat the same deposits."""

    def __init__(self, place: Path) -> None:
        super().__init__(f"a gateway runs on {place} already; stop it first, or name another")


def lock(premises: Premises, *, shared: bool = False) -> IO[str]:
    """Take the premises for this process; given back when the file is closed or the process ends.

    Args:
        shared: others may have them at the same time, as long as they share them too.

    Raises:
        AlreadyOpen: another process has them.
    """
    file = (premises.folder / "lock").open("w")
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyOpen(premises.folder) from None
    return file


def serve(
    settings: Settings,
    make: Callable[[Settings], Gateway] = Gateway,
    tell: Callable[[Doors], None] | None = None,
) -> None:
    """Run a gateway until it is told to stop (SIGTERM or SIGINT).

    Args:
        make: what kind of gateway it is.
        tell: says that it is open, and where.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            count_alarm,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    gateway = make(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    (tell or announce)(gateway.start())
    # What is loaded stays: the collector of cycles need not go through it again and again.
    gc.freeze()
    tell_supervisor("READY=1\nSTATUS=open")
    while not stop.wait(SIGNAL_SECONDS):
        pass
    tell_supervisor("STOPPING=1")
    gateway.stop()


def tell_supervisor(state: str) -> None:
    """Tell systemd how far we are, where it asks to be told (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(state.encode(), address.replace("@", "\0", 1))


def announce(doors: Doors) -> None:
    """Tell the operator where the doors are."""
    print(f"Secugate is open.  HTTPS {doors.https}  SFTP {doors.sftp}", flush=True)  # noqa: T201
