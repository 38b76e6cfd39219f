"""At the doors: send batches, collect answers, try what would be.

Sending again is safe by construction: the same bytes are the same deposit and give the same receipt. So
whoever was interrupted, or told to wait, sends the same file again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

from gateway import names
from gateway.client.doors import Door, Hindered, NotNow, Posted, Refused
from gateway.client.drop.places import keep
from gateway.client.profile import Profile
from gateway.client.results import Answer, Collection, Sent, Simulated
from gateway.client.seals import GOOD, receipt_fault, seal_verdict
from gateway.returns import simres
from signing.parse import Unreadable, parse

TRIES = 5
FIRST_WAIT = 2.0
"""Seconds; doubled each time, unless the gateway says when (`Retry-After`)."""
CURSORS = ".cursor.json"
"""In a folder of answers: up to where they were collected, for each gateway and member."""

Wait = Callable[[float], None]
Watch = Callable[[Path, int], None]
"""Is told how many bytes of which file the gateway has."""


def _unwatched(_file: Path, _count: int) -> None:
    pass


def enter(door: str, profile: Profile) -> AbstractContextManager[Door]:
    """Through a door, `https` or `sftp`; only its own module is loaded."""
    entered: AbstractContextManager[Door] = import_module(f"gateway.client.{door}").enter(profile)
    return entered


def send(
    files: Sequence[Path],
    profile: Profile,
    *,
    door: str = "https",
    out: Path | None = None,
    tries: int = TRIES,
    wait: Wait = time.sleep,
    watch: Watch = _unwatched,
) -> list[Sent]:
    """Deposit signed batches.

    Args:
        out: folder for the receipts; beside the files without it.
        tries: how often a file is sent before it is given up for now.
        wait: waits for so many seconds.
        watch: is told how far it has come.

    Raises:
        NotNow: the gateway is away or busy (or somebody has to do something first, as the sentence says);
            send the same files again later.
        Refused: the door does not take a file.
        OSError: a file cannot be read or written.
    """
    return list(sending(files, profile, door=door, out=out, tries=tries, wait=wait, watch=watch))


def sending(
    files: Sequence[Path],
    profile: Profile,
    *,
    door: str = "https",
    out: Path | None = None,
    tries: int = TRIES,
    wait: Wait = time.sleep,
    watch: Watch = _unwatched,
) -> Iterator[Sent]:
    """See `send`: one after the other, over one connection for as long as it lasts."""
    waiting, failures = list(files), 0
    while waiting:
        try:
            with enter(door, profile) as entered:
                while waiting:
                    file = waiting[0]
                    receipt = _received(entered, file, profile, watch)
                    sent = Sent(file, None)
                    if receipt is not None:
                        place = (out or file.parent) / f"{file.stem}.ACKREC.XML"
                        keep(place, receipt)
                        sent = Sent(file, place)
                    waiting, failures = waiting[1:], 0
                    yield sent
        except NotNow as reason:
            failures += 1
            if failures == tries or isinstance(reason, Hindered):
                raise
            wait(FIRST_WAIT * 2 ** (failures - 1) if reason.seconds is None else reason.seconds)


def _received(door: Door, file: Path, profile: Profile, watch: Watch) -> bytes | None:
    """The receipt for a file, found to be one for these very bytes."""
    content = file.read_bytes()
    receipt = door.deposit(file.name, content, lambda count: watch(file, count))
    if receipt is not None:
        fault = receipt_fault(receipt, hashlib.sha256(content).hexdigest(), profile.seal)
        if fault is not None:
            raise NotNow(f"what came for {file.name} is no receipt of the gateway's ({fault})")
    return receipt


def collect(profile: Profile, out: Path, *, after: int | None = None, door: str = "https") -> Collection:
    """Collect the answers, check the gateway's seal on each, and acknowledge those that bear it.

    Args:
        out: folder for them; up to where it was collected is kept there as well.
        after: HTTPS: only what was posted after this cursor; without it, after the last that was kept.

    Returns:
        One without a good seal is kept apart, not acknowledged, and the cursor stays before it: it is asked
        for again.

    Raises:
        NotNow, Refused: the gateway is away, or refuses.
        OSError: an answer cannot be written; it is not acknowledged then.
    """
    collecting = Collecting(profile, out, door, after)
    answers = tuple(collecting)
    return Collection(collecting.cursor, answers)


class Collecting:
    """See `collect`: one answer after the other.

    Attributes:
        cursor: up to where all answers were taken.
    """

    def __init__(self, profile: Profile, out: Path, door: str = "https", after: int | None = None) -> None:
        self._profile, self._out, self._door = profile, out, door
        self._whose = f"{profile.https} {profile.member}"
        self.cursor = self._stored().get(self._whose, 0) if after is None else after
        self._whole = True

    def __iter__(self) -> Iterator[Answer]:
        place, begun = self.cursor, self.cursor
        try:
            with enter(self._door, self._profile) as door:
                while page := door.posted(place):
                    for posted in page:
                        answer = self._take(door, posted)
                        self._whole = self._whole and answer.seal == GOOD
                        self.cursor = posted.cursor if self._whole else self.cursor
                        yield answer
                    if page[-1].cursor == place:
                        break
                    place = page[-1].cursor
        finally:
            if self.cursor != begun:
                stored = {**self._stored(), self._whose: self.cursor}
                keep(self._out / CURSORS, json.dumps(stored, indent=1).encode())

    def _take(self, door: Door, posted: Posted) -> Answer:
        """Keep an answer; acknowledge it only if it bears the gateway's seal."""
        content = door.fetch(posted)
        verdict = seal_verdict(content, self._profile.seal)
        try:
            # The name comes from outside: only one that keeps to the pattern becomes a file name.
            name = str(names.parse(posted.name))
        except ValueError:
            name, verdict = hashlib.sha256(content).hexdigest(), f"its name is none: {posted.name!r}"
        unverified = self._out / "unverified" / name
        if verdict != GOOD:
            keep(unverified, content)
            return Answer(unverified, posted.kind, verdict)
        keep(self._out / name, content)
        unverified.unlink(missing_ok=True)
        door.acknowledge(posted, content)
        return Answer(self._out / name, posted.kind, verdict)

    def _stored(self) -> dict[str, int]:
        """Up to where it was collected into this folder. One that cannot be read says nothing: all of it is
        collected again."""
        try:
            found = json.loads((self._out / CURSORS).read_bytes())
            return {str(whose): int(place) for whose, place in found.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}


def simulate(file: Path, profile: Profile, out: Path | None = None) -> Simulated:
    """Ask over HTTPS what a signed batch would bring. Nothing is declared by it.

    Args:
        out: file for the sealed answer (SIMRES); beside the batch without it.

    Raises:
        NotNow, Refused: the gateway is away, or refuses; or the answer does not bear its seal.
        OSError: a file cannot be read or written.
    """
    https = import_module("gateway.client.https")
    with https.enter(profile) as door:
        content: bytes = door.simulate(file.name, file.read_bytes())
    return simulated(content, profile.seal, out or file.with_name(f"{file.stem}.SIMRES.XML"))


def simulated(content: bytes, seals: Path, place: Path) -> Simulated:
    """Keep the sealed answer to a simulation, and what it says.

    Raises:
        Refused: it does not bear the gateway's seal, or is no simulation.
        OSError: it cannot be written.
    """
    verdict = seal_verdict(content, seals)
    if verdict != GOOD:
        raise Refused(f"the answer does not bear the gateway's seal: {verdict}")
    try:
        document = simres.read(parse(content))
    except (Unreadable, ValueError) as fault:
        raise Refused(f"this is no simulation: {fault}") from fault
    keep(place, content)
    return Simulated(place, document)
