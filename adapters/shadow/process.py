"""The process of a shadow run: treats stored deposits by what lies in front of our packages, and undoes it.

It says what it found in one line of JSON for each line that it is told, and ends when there are none any
more. Each deposit is treated as it was received, in a transaction that is rolled back; what it entered in the
registers at its time is taken back in that transaction before. Deposits that wait to be treated come first,
and the write lock rests for as long as it was held. What is signed is signed by a key that is thrown away.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TextIO

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlmodel import SQLModel

from adapters.booth import COMMAND, Booths
from adapters.database import Database, deposits, tables
from adapters.database.deposits import Kept
from adapters.database.evidence import evidence_of
from adapters.database.members import Members, fingerprint
from adapters.encryption import Erased
from adapters.faults import place_of
from adapters.pki import Authority, KeyKind, Subject, new_key
from adapters.premises import Premises, database_of, decryption_of, spool_of, trust_of
from adapters.scans import look
from adapters.settings import Settings
from adapters.simulation import LOOK_SECONDS, PATIENCE_SECONDS, deposits_wait
from adapters.stores import Unreachable
from adapters.treatment import Treatment
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.outcome import NotYet, Rejected
from gateway.process import Desk, Examined
from gateway.returns.acktrt import Acknowledgement
from gateway.seal import Seal
from gateway.states import State
from signing import certificates
from signing.sign import Signer

deposit = tables.table(tables.Deposit)

_TAKEN_BACK: Mapping[type[SQLModel], str] = {
    tables.Affiliation: "cancelled",
    tables.Mission: "cancelled",
    tables.Absence: "cancelled",
    tables.ActivityAbroad: "cancelled",
    tables.Wage: "superseded",
    tables.OwnCalculation: "superseded",
}
"""The registers that a batch writes to, and the state in which what it wrote counts no more."""


class _Believing:
    """Believes what was believed when a deposit was received, where that cannot be told any more."""

    def __init__(self, trust: certificates.Trust, database: Database) -> None:
        self._trust = trust
        self._database = database
        self.identifier = ""

    def judge(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate], at: datetime, /
    ) -> certificates.Evidence:
        """As `Trust.judge`."""
        try:
            return self._trust.judge(certificate, chain, at)
        except certificates.CannotTell:
            with self._database.read() as connection:
                if not evidence_of(connection, self.identifier).certificates:
                    raise
            return certificates.Evidence(at, (certificate.public_bytes(Encoding.DER),), ())


class _Untold(Exception):
    """Nothing can be said of a deposit; the text says why."""


class Shadow:
    """Judges stored deposits of a gateway.

    Args:
        now: the moment at which all is judged.
        folder: in front of our packages; None: nothing is.
    """

    def __init__(self, settings: Settings, now: Received, folder: Path | None) -> None:
        premises = Premises(settings.data)
        self._clock: Callable[[], datetime] = lambda: now.at
        self._database = database_of(settings, self._clock)
        self._spool = spool_of(settings, self._database)
        self._trust = _Believing(trust_of(premises, settings), self._database)
        members = Members(self._database)

        def signer(certificate: x509.Certificate, at: Received) -> MemberId | None:
            return members.of_certificate(fingerprint(certificate), at)

        self._desk = Desk(
            settings.environment, self._trust, signer, look, members.agreement, decryption_of(premises)
        )
        seal = Seal(_thrown_away(now.at), settings.environment)
        self._treatment = Treatment(self._database, self._spool, seal, self._desk, self._clock)
        self._booths = Booths(booths_of(folder))
        self._booths.open()
        self._rest_until = 0.0

    def judge(self, number: int) -> Mapping[str, object]:
        """What is said of a deposit: verdict, counts, and codes by record; else why nothing is."""
        try:
            with self._database.read() as connection:
                one = deposits.get(connection, number)
            prepared = self._examined(one)
            self._wait()
            began = time.monotonic()
            try:
                return _words(self._treated(one, prepared))
            finally:
                ended = time.monotonic()
                self._rest_until = ended + (ended - began)
        except _Untold as why:
            return {"untold": str(why)}
        except Exception as error:  # of whatever kind: the next deposit is judged all the same
            return {"untold": f"it failed at {place_of(error)}"}

    def _examined(self, one: Kept) -> Examined | Rejected:
        self._trust.identifier = one.deposit.id
        try:
            return self._booths.examine(self._spool.read(one.deposit.id), one.deposit, self._desk)
        except Rejected as refusal:
            return refusal
        except NotYet:
            raise _Untold("revocation can no longer be told") from None
        except Erased:
            raise _Untold("its content was erased") from None
        except (OSError, Unreachable):
            raise _Untold("its bytes cannot be read") from None

    def _wait(self) -> None:
        """Until the lock has rested, and no deposit waits; not for ever."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < max(self._rest_until, until) and (
            time.monotonic() < self._rest_until or deposits_wait(self._database, Received(datetime.now(UTC)))
        ):
            time.sleep(LOOK_SECONDS)

    def _treated(self, one: Kept, prepared: Examined | Rejected) -> Acknowledgement:
        database = self._database
        with database.engine.connect() as connection, database.dialect.tentative(connection):
            transaction = connection.begin()
            try:
                _take_back(connection, one)
                return self._treatment.answer(connection, one.number, prepared)
            finally:
                transaction.rollback()

    def close(self) -> None:
        """Give everything back."""
        self._booths.close()
        self._database.close()


def _take_back(connection: sa.Connection, one: Kept) -> None:
    """Have a deposit stand as when it was received: what it entered, and what still stands of that, is taken
    back; what an affiliation of it replaced stands again."""
    affiliation = tables.table(tables.Affiliation)
    mine = sa.and_(affiliation.c.deposit == one.number, affiliation.c.state == "current")
    replaced = sa.select(affiliation.c.replaces).where(mine, affiliation.c.replaces.is_not(None))
    before = list(connection.execute(replaced).scalars())
    for noun, state in _TAKEN_BACK.items():
        table = tables.table(noun)
        stands = table.c.state.in_(("current", "held"))
        taken = sa.update(table).where(table.c.deposit == one.number, stands)
        connection.execute(taken.values(state=state))
    connection.execute(sa.update(affiliation).where(affiliation.c.id.in_(before)).values(state="current"))
    _forget(connection, one)
    connection.execute(
        sa.update(deposit)
        .where(deposit.c.number == one.number)
        .values(state=State.RECEIVED.value, group=None, not_before=None, tries=0, verdict=None)
    )


def _forget(connection: sa.Connection, one: Kept) -> None:
    """Take away what is kept of each deposit once."""
    once: tuple[type[SQLModel], ...] = (tables.DepositEvidence, tables.AnomalyCount)
    for noun in once:
        table = tables.table(noun)
        connection.execute(sa.delete(table).where(table.c.deposit == one.number))


def _words(said: Acknowledgement) -> Mapping[str, object]:
    codes: defaultdict[int, set[str]] = defaultdict(set)
    for anomaly in said.anomalies:
        codes[anomaly.record or 0].add(anomaly.code)
    return {
        "verdict": str(said.verdict),
        "accepted": said.accepted,
        "rejected": said.rejected,
        "held": said.held,
        "codes": {str(record): sorted(keys) for record, keys in sorted(codes.items())},
    }


def booths_of(folder: Path | None) -> Sequence[str]:
    """How booths are started: with a folder in front of our packages; None: nothing is."""
    if folder is None:
        return COMMAND
    start = (
        "import sys, runpy; sys.path.insert(0, sys.argv.pop(1));"
        " runpy.run_module('adapters.booth.process', run_name='__main__', alter_sys=True)"
    )
    return (sys.executable, "-I", "-B", "-c", start, str(folder))


def _thrown_away(at: datetime) -> Signer:
    """A seal that nobody believes."""
    key, first, last = new_key(KeyKind.P256), at - timedelta(days=1), at + timedelta(days=2)
    authority = Authority.create("shadow run", first, last)
    return Signer(key, authority.issue(Subject("shadow run"), key.public_key(), first, last))


def _load(folder: Path | None) -> None:
    """Read forms, law and codes now: what is broken in them is told before the first deposit.

    Raises:
        Exception: of whatever kind: they cannot be used.
    """
    for package in (import_module("gateway"), import_module("xsd")):
        place = Path(package.__file__ or "")
        if folder is not None and not place.is_relative_to(folder):
            raise RuntimeError("our own files were loaded, not the candidate's")
    import_module("xsd").catalogue()
    import_module("gateway.parameters").law()


def main(arguments: Sequence[str]) -> None:
    """Serve one shadow run: a line with settings and moment, then a number of a deposit in each line."""
    out = sys.stdout
    with redirect_stdout(sys.stderr):
        folder = Path(arguments[0]) if arguments else None
        opening = json.loads(sys.stdin.readline())
        try:
            _load(folder)
            shadow = Shadow(
                Settings.model_validate(opening["settings"]), Received.parse(opening["now"]), folder
            )
        except Exception as error:  # of whatever kind: it is told to whoever made the candidate
            _say(out, {"unusable": f"{type(error).__name__}: {error}"[:500]})
            return
        _say(out, {"ready": True})
        for line in sys.stdin:
            _say(out, shadow.judge(int(line)))
        shadow.close()


def _say(out: TextIO, words: Mapping[str, object]) -> None:
    out.write(json.dumps(words) + "\n")
    out.flush()
