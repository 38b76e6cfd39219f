"""What one member or one address may ask of both doors in a minute, and at once.

Counted in memory, by a clock that never goes back: a restart forgets it, and several machines each count for
themselves, so that a member who uses all of them has the sum. The defaults are far beyond what a fiduciary
with ten thousand files a day needs, even when it sends them in one go: they end floods and loops that
run away, so that one member's load does not take another's turn.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.batch import MemberId

MINUTE = 60.0
MOST_KEYS = 10_000
"""Of one count; beyond them, those that may have all again are forgotten."""
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Allowances:
    """How much; all but the last four a minute.

    Attributes:
        requests: of a member, over HTTPS, and those over SFTP that look for something.
        deposits: of a member, those to be tried included.
        bytes: sent by a member.
        costly: requests of a member for which much is computed again.
        strangers: requests over HTTPS from an address by nobody we know.
        connections: over SFTP from an address.
        failed_logins: over SFTP from an address.
        requests_at_once: of a member, over HTTPS; fewer than the threads that answer.
        costly_at_once: in all.
        costly_at_once_of_one: of a member.
    """

    requests: int = 30_000
    deposits: int = 12_000
    bytes: int = 6_000_000_000
    costly: int = 120
    strangers: int = 600
    connections: int = 1_200
    failed_logins: int = 60
    requests_at_once: int = 24
    costly_at_once: int = 4
    costly_at_once_of_one: int = 2


_GENEROUS = Allowances()


class TooMuch(Exception):
    """More than is allowed. Nothing was done; after a while it is."""

    def __init__(self, what: str, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__(f"{what}; try again in {self.seconds} seconds")


class Meter:
    """So much a minute for each key: all of it at once, or evenly (generic cell rate algorithm, ITU-T I.371).

    Args:
        most: a minute.
        tick: seconds that never go back.
    """

    def __init__(self, most: int, tick: Callable[[], float]) -> None:
        self._most = most
        self._tick = tick
        self._lock = threading.Lock()
        self._full_at: dict[str, float] = {}
        """By key, when all of it may be had again."""
        self._sweep_at = MOST_KEYS

    def take(self, key: str, count: int = 1) -> float:
        """Take some; 0, or in how many seconds there will be so much. Then nothing was taken."""
        with self._lock:
            now = self._tick()
            self._forget(now)
            full_at = max(self._full_at.get(key, now), now) + count * MINUTE / self._most
            if full_at - now > MINUTE + 1e-6:
                return full_at - now - MINUTE
            self._full_at[key] = full_at
            return 0.0

    def is_spent(self, key: str) -> bool:
        """Whether not even one may be taken."""
        with self._lock:
            now = self._tick()
            return self._full_at.get(key, now) - now + MINUTE / self._most > MINUTE + 1e-6

    def _forget(self, now: float) -> None:
        if len(self._full_at) > self._sweep_at:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
            self._sweep_at = max(MOST_KEYS, 2 * len(self._full_at))


class Seats:
    """So many at once, in all and for each key."""

    def __init__(self, most: int, of_one: int) -> None:
        self._most = most
        self._of_one = of_one
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, key: str) -> bool | None:
        """Take one: True; None while there is none for anybody, False when this key has enough."""
        with self._lock:
            if self._taken[key] >= self._of_one:
                return False
            if self._taken.total() >= self._most:
                return None
            self._taken[key] += 1
            return True

    def leave(self, key: str) -> None:
        """Give one back."""
        with self._lock:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class Gate:
    """Counts what comes through both doors. Every call may raise `TooMuch`."""

    def __init__(
        self, allowances: Allowances = _GENEROUS, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self._requests = Meter(allowances.requests, tick)
        self._deposits = Meter(allowances.deposits, tick)
        self._bytes = Meter(allowances.bytes, tick)
        self._costly = Meter(allowances.costly, tick)
        self._strangers = Meter(allowances.strangers, tick)
        self._connections = Meter(allowances.connections, tick)
        self._failed_logins = Meter(allowances.failed_logins, tick)
        self._requests_at_once = Seats(2**31, allowances.requests_at_once)
        self._costly_at_once = Seats(allowances.costly_at_once, allowances.costly_at_once_of_one)

    def asked(self, member: MemberId) -> None:
        """A member asks for something."""
        _check(self._requests.take(str(member)), "you ask too often")

    def deposits(self, member: MemberId) -> None:
        """A member begins a deposit."""
        _check(self._deposits.take(str(member)), "you send too many files")

    def sent(self, member: MemberId, count: int) -> None:
        """A member sent so many bytes."""
        _check(self._bytes.take(str(member), count), "you send too many bytes")

    def came(self, address: str) -> None:
        """Somebody who is not known asks for something. A proxy of ours has no address, and counts itself."""
        if address:
            _check(self._strangers.take(household(address)), "too many requests from your address")

    def may_connect(self, address: str) -> bool:
        """Whether an address may come to the SFTP door once more; it is counted."""
        house = household(address)
        return not self._failed_logins.is_spent(house) and self._connections.take(house) == 0

    def failed(self, address: str) -> None:
        """A login failed."""
        self._failed_logins.take(household(address))

    @contextmanager
    def inside(self, member: MemberId) -> Iterator[None]:
        """While a request of a member is answered."""
        self.asked(member)
        if not self._requests_at_once.take(str(member)):
            raise TooMuch("you ask for too much at once", 1)
        try:
            yield
        finally:
            self._requests_at_once.leave(str(member))

    @asynccontextmanager
    async def costly(self, member: MemberId) -> AsyncIterator[None]:
        """While something costly is computed for a member; it waits a while for its turn."""
        _check(self._costly.take(str(member)), "you ask too often for what has to be computed")
        for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
            taken = self._costly_at_once.take(str(member))
            if taken is not None:
                break
            await asyncio.sleep(LOOK_SECONDS)
        if not taken:
            raise TooMuch("something is being computed already", 5)
        try:
            yield
        finally:
            self._costly_at_once.leave(str(member))


def household(address: str) -> str:
    """What one customer of a provider has: an IPv4 address, or the first 64 bits of an IPv6 address."""
    found = ip_address(address.partition("%")[0])
    if found.version == 4:
        return address
    return str(found.ipv4_mapped or found.packed[:8].hex())


def _check(wait: float, what: str) -> None:
    if wait:
        raise TooMuch(what, wait)
