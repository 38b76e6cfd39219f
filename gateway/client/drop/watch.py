"""The rounds of a drop folder: make ready, send, collect."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from lxml import etree

from gateway import names
from gateway.client.doors import Door, NotNow, Posted, Refused
from gateway.client.drop.folder import Mark, Stand, look, mark, sort_out
from gateway.client.drop.ledger import Entry, Ledger, State
from gateway.client.drop.places import Places, bring_back, file_away, keep, put_away
from gateway.client.parcels import Parcel, check_dates
from gateway.client.profile import Profile
from gateway.client.seals import GOOD, receipt_fault, seal_verdict
from gateway.moments import Clock
from gateway.procedures import PROCEDURES
from gateway.returns import ackrec, acktrt
from gateway.wire import read_answer_header
from signing.parse import Unreadable, parse
from signing.sign import Signer, UnusableKey

SHORTEST_WAIT, LONGEST_WAIT = 5.0, 300.0
"""Seconds until the gateway is asked again, doubled each time, when it does not say when itself."""
DRIFT = timedelta(minutes=10)
"""A clock that is off by more does not sign."""
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_CODES = frozenset(one.code for one in PROCEDURES) | {"PAYROLL"}

Tell = Callable[[str], None]


class _Left(Exception):
    """A file is left alone; the sentence says why, and what to do."""


@dataclass(slots=True)
class Watcher:
    """Watches one folder; everything that lasts is on the disk.

    Attributes:
        places: the folder.
        profile: read anew each round, so that a new key is taken as soon as it is there.
        enter: goes through a door.
        clock: the machine's.
        tell: says a line to whoever looks; the same line about the same thing only once.
    """

    places: Places
    profile: Callable[[], Profile]
    enter: Callable[[Profile], AbstractContextManager[Door]]
    clock: Clock
    tell: Tell
    _before: dict[Path, Stand] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)
    _tries: Counter[str] = field(default_factory=Counter)
    _failures: int = 0

    def mend(self) -> None:
        """After a start: finish what was interrupted.

        Raises:
            OSError, sqlite3.Error: there is no room.
        """
        self.places.make()
        for file in self.places.leaving.iterdir():
            bring_back(file, self.places.root)
        with self._ledger() as ledger:
            for file in self.places.outgoing.iterdir():
                entry = ledger.named(file.name)
                if entry is None:
                    # Written, but not entered: it was never sent.
                    file.unlink()
                elif entry.state is not State.READY:
                    self._file_signed(entry)

    def see(self) -> None:
        """Look at the folder, to see at the next round what has changed."""
        self._before = look(self.places.root)

    def round(self) -> float | None:
        """Send what is complete and collect what was posted.

        Returns:
            None when all went well; otherwise after how many seconds it is worth another try.
        """
        try:
            with self._ledger() as ledger:
                self._go_round(ledger)
        except NotNow as reason:
            wait = reason.seconds or min(SHORTEST_WAIT * 2**self._failures, LONGEST_WAIT)
            self._failures += 1
            self._say("gateway", f"{_stop(reason)} Nothing is lost; the next try is in {wait:.0f} seconds.")
            return wait
        except Refused as reason:
            self._say("gateway", f"{_stop(reason)} Nothing is lost; it is tried again.")
            return LONGEST_WAIT
        except (OSError, sqlite3.Error) as error:
            self._say("here", trouble_here(error, self.places.root))
            return SHORTEST_WAIT
        except (UnusableKey, ValueError) as error:
            self._say("here", f"{_stop(error)} Put the profile or the key right; it goes on by itself.")
            return SHORTEST_WAIT
        if self._failures:
            self.tell("The gateway is there again.")
        self._failures = 0
        self._told = {about: said for about, said in self._told.items() if about not in ("gateway", "here")}
        return None

    def _go_round(self, ledger: Ledger) -> None:
        now = look(self.places.root)
        found = sort_out(self._before, now)
        self._before = now
        for file, why in found.left.items():
            if self._before.get(file) is not None and not why.startswith("still"):
                self._say(str(file), f"{file.name} is left alone: {why}.")
        profile = self.profile()
        signer = Signer.load(profile.key, profile.certificate)
        check_dates(profile, signer, self.clock())
        with self.enter(profile) as door:
            pen = _Pen(profile, signer, door, self.clock)
            ready = [one for parcel in found.parcels if (one := self._make_ready(ledger, parcel, pen))]
            self._send(ledger, profile, door, {one.fingerprint: one for one in ready})
            self._collect(ledger, profile, door)

    def _make_ready(self, ledger: Ledger, parcel: Parcel, pen: _Pen) -> Mark | None:
        """Write down the bytes to be sent for files that were dropped; those that were sent before leave."""
        marked = mark(parcel)
        entry = ledger.of(marked.fingerprint)
        if entry is not None and entry.state is State.READY:
            return marked
        if entry is not None:
            self._leave(entry, marked)
            return None
        try:
            name, content = pen.write(parcel, lambda name: ledger.named(name) is not None)
        except _Left as reason:
            self._say(str(parcel.batch), f"{parcel.batch.name} is left alone: {reason}.")
            return None
        if mark(parcel) != marked:
            return None
        keep(self.places.outgoing / name, content)
        digest = hashlib.sha256(content).hexdigest()
        ledger.enter(Entry(name, marked.fingerprint, digest, State.READY))
        return marked

    def _send(self, ledger: Ledger, profile: Profile, door: Door, lying: Mapping[str, Mark]) -> None:
        """Send what is ready; what was tried often comes last, so that it holds nobody up."""
        for entry in sorted(ledger.open(State.READY), key=lambda one: self._tries[one.name]):
            self._tries[entry.name] += 1
            marked = lying.get(entry.fingerprint)
            try:
                self._deposit(ledger, profile, door, entry)
            except NotNow:
                raise
            except Refused as reason:
                self._refuse(ledger, entry, marked, str(reason))
                continue
            if marked is not None:
                self._leave(entry, marked)

    def _deposit(self, ledger: Ledger, profile: Profile, door: Door, entry: Entry) -> None:
        content = (self.places.outgoing / entry.name).read_bytes()
        if hashlib.sha256(content).hexdigest() != entry.digest:
            raise OSError(errno.EIO, "the signed bytes have changed", str(self.places.outgoing / entry.name))
        receipt = door.deposit(entry.name, content)
        if receipt is None:
            ledger.move(entry.name, State.SENT)
        else:
            fault = receipt_fault(receipt, entry.digest, profile.seal)
            if fault is not None:
                raise NotNow(f"what came for {entry.name} is no receipt of the gateway's ({fault})")
            keep(self.places.answers / f"{Path(entry.name).stem}.ACKREC.XML", receipt)
            ledger.move(entry.name, State.RECEIVED)
        self.tell(f"{entry.name} was sent.")
        self._file_signed(entry)

    def _refuse(self, ledger: Ledger, entry: Entry, marked: Mark | None, reason: str) -> None:
        """The door does not take it, now or later: set it aside with the reason."""
        room = self.places.refused / entry.name
        keep(room / "why.txt", f"{reason}\n".encode())
        if marked is not None:
            for file, digest in marked.digests.items():
                put_away(file, room, digest, self.places.leaving)
        ledger.forget(entry.name)
        (self.places.outgoing / entry.name).unlink(missing_ok=True)
        self.tell(f"{entry.name} is not taken: {_stop(reason)} It lies in {room}.")

    def _leave(self, entry: Entry, marked: Mark) -> None:
        """Files that the gateway has leave the folder."""
        room = self.places.sent / entry.name
        is_again = all((room / file.name).exists() and file.name != entry.name for file in marked.digests)
        for file, digest in marked.digests.items():
            put_away(file, room, digest, self.places.leaving)
        if is_again:
            told = ", ".join(file.name for file in marked.digests)
            self.tell(f"{told}: sent before, as {entry.name}, and not again (on purpose: secugate send).")

    def _file_signed(self, entry: Entry) -> None:
        """The signed bytes are kept with what was dropped: they prove what was sent."""
        signed = self.places.outgoing / entry.name
        # Not by way of `leaving`: what is found there after a stop goes back into the folder.
        if signed.exists():
            file_away(signed, self.places.sent / entry.name / entry.name, entry.digest)

    def _collect(self, ledger: Ledger, profile: Profile, door: Door) -> None:
        """Take what was posted; what bears no good seal is neither acknowledged nor passed over."""
        cursor, whole = ledger.cursor, True
        while page := door.posted(cursor):
            for answer in page:
                is_taken = self._take(ledger, profile, door, answer)
                whole = whole and is_taken
                if whole:
                    ledger.advance(answer.cursor)
                elif is_taken:
                    ledger.take(answer.id)
            if page[-1].cursor == cursor:
                break
            cursor = page[-1].cursor

    def _take(self, ledger: Ledger, profile: Profile, door: Door, answer: Posted) -> bool:
        # Over SFTP an answer may be laid out again on purpose.
        if answer.digest is not None and ledger.has_taken(answer.id):
            return True
        content = door.fetch(answer)
        try:
            # The name comes from outside: only one that keeps to the pattern becomes a file name.
            name = str(names.parse(answer.name))
        except ValueError:
            self._say(answer.id, f"An answer has a name that is none: {answer.name!r}. It is left there.")
            return False
        verdict = seal_verdict(content, profile.seal)
        if verdict != GOOD:
            keep(self.places.unverified / name, content)
            self._say(
                answer.id,
                f"{name} bears no good seal ({verdict}): do not rely on it; ask the operator for the present"
                f" {profile.seal.name}. It is asked for again.",
            )
            return False
        keep(self.places.answers / self._place(ledger, name, answer.kind, content), content)
        (self.places.unverified / name).unlink(missing_ok=True)
        door.acknowledge(answer, content)
        return True

    def _place(self, ledger: Ledger, name: str, kind: str, content: bytes) -> str:
        """How an answer is called beside what was sent; and what it means for that, in a line."""
        if kind == ackrec.CODE:
            deposit = read_answer_header(parse(content)).deposit
            entry = ledger.digested(deposit.digest) if deposit else None
            if entry is not None:
                ledger.move(entry.name, State.RECEIVED)
                # The same receipt as the one that HTTPS answers with.
                return f"{Path(entry.name).stem}.ACKREC.XML"
        elif kind == acktrt.CODE:
            told = acktrt.read(parse(content))
            of = told.header.deposit.name if told.header.deposit else name
            counts = f"{told.accepted} accepted, {told.rejected} rejected, {told.held} held"
            self.tell(f"{of}: {told.verdict.value} ({counts}).")
        return name

    def _say(self, about: str, sentence: str) -> None:
        if self._told.get(about) != sentence:
            self._told[about] = sentence
            self.tell(sentence)

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        ledger = Ledger(self.places.ledger)
        try:
            yield ledger
        finally:
            ledger.close()


@dataclass(frozen=True, slots=True)
class _Pen:
    """Makes what is sent out of what was dropped."""

    profile: Profile
    signer: Signer
    door: Door
    clock: Clock

    def write(self, parcel: Parcel, is_used: Callable[[str], bool]) -> tuple[str, bytes]:
        """The name and the bytes of a deposit.

        Raises:
            _Left: it cannot be made.
            NotNow: the door does not tell the time.
        """
        try:
            content = parcel.batch.read_bytes()
            root = parse(content) if parcel.batch.suffix.lower() == ".xml" else None
            is_dta = parcel.batch.suffix.lower() == ".dta"
            if not is_dta and (root is None or root.find(_SIGNATURE) is not None):
                if parcel.attachments:
                    raise _Left("it is signed already, and what lies beside it is not: sign them together")
                return self._name(parcel, root, is_used), content
            if not self.profile.sign:
                raise _Left("it is not signed, and the profile does not say `sign = true`")
            stranger = parcel.stranger(self.profile.member)
            if stranger is not None:
                raise _Left(f"it is of member {stranger}, who has to sign it")
            self._check_clock()
            now = self.clock()
            return self._name(parcel, root, is_used), parcel.sign(self.signer, now)
        except (Unreadable, ValueError) as fault:
            raise _Left(str(fault)) from fault

    def _check_clock(self) -> None:
        theirs = self.door.time()
        drift = timedelta(0) if theirs is None else self.clock() - theirs
        if abs(drift) > DRIFT:
            by = timedelta(seconds=round(abs(drift).total_seconds()))
            ahead = "ahead of" if drift > timedelta(0) else "behind"
            sentence = (
                f"this machine's clock is {by} {ahead} the gateway's: set it; nothing is signed until then"
            )
            raise NotNow(sentence, SHORTEST_WAIT)

    def _name(self, parcel: Parcel, root: etree._Element | None, is_used: Callable[[str], bool]) -> str:
        """Its own name if that keeps to the pattern; otherwise a new one."""
        if not parcel.is_container and _keeps_to_pattern(parcel.batch.name):
            if is_used(parcel.batch.name):
                raise _Left(
                    "its name was used before for other bytes; a name is used once: call it otherwise"
                )
            return parcel.batch.name
        code = parcel.procedure if root is None else etree.QName(root).localname
        if code not in _CODES:
            raise _Left("its name does not keep to SECU.<TYPE>.<stamp>.<member>.CCSS.<end>")
        extension = names.Extension.ASICE if parcel.is_container else names.Extension.XML
        office = names.Office.of(self.profile.environment)
        at = self.clock()
        while True:
            stamp = names.stamp(at)
            name = str(
                names.FileName(
                    code, stamp, self.profile.member, incoming=True, extension=extension, office=office
                )
            )
            if not is_used(name):
                return name
            # A hundredth on: a name never repeats.
            at += timedelta(milliseconds=10)


def _keeps_to_pattern(name: str) -> bool:
    try:
        return names.parse(name).incoming
    except ValueError:
        return False


def _stop(sentence: object) -> str:
    told = str(sentence)
    return told if told.endswith(".") else f"{told}."


def trouble_here(error: OSError | sqlite3.Error, folder: Path) -> str:
    """What is wrong on this machine, and what to do, in a sentence."""
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if is_full or "full" in str(error):
        return f"There is no room on the disk of {folder}: make some. Nothing is lost; it goes on by itself."
    return f"{_stop(error)} Nothing is lost; it is tried again."
