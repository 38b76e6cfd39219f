"""A gateway among others that work on the same database: it tells that it lives, and which one leads.

Each has a name and keeps a lease of it (`adapters.database.Database.lease`): a lock that the server takes
back when the process is gone, and also when it says nothing for some seconds, because it was stopped or its
machine was. Whoever gets the lease of another's name knows that it is dead, and takes over what it was
treating. One of them has the lease of the leader besides: it alone does what falls due with time.

A lease that was lost, for instance because the server was restarted, is taken again. What was begun meanwhile
is safe all the same: a step commits only while its work is still its own, which the engine checks in the very
transaction.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import structlog

from adapters.database import Database
from adapters.database.engine import LEADER, Lease
from adapters.faults import place_of

log = structlog.get_logger()

ALONE = "secugate"
"""The name of a gateway that has its database to itself: always the same, so that it finds its own work."""
BEAT_SECONDS = 1.0


class Node(Protocol):
    """One gateway, as the others see it."""

    name: str

    def start(self) -> None:
        """Begin to tell that it lives."""

    def stop(self) -> None:
        """Give back what it has."""

    def works(self) -> bool:
        """Whether the others know that it lives, so that it may take work."""

    def leads(self) -> bool:
        """Whether it is the one that does what falls due with time."""

    def inherits(self, other: str) -> AbstractContextManager[bool]:
        """Whether another one is dead, so that this one takes over; nobody else is told so meanwhile."""


class Alone:
    """`Node` of a gateway that has its database to itself."""

    name = ALONE

    def start(self) -> None:
        """There is nobody to tell."""

    def stop(self) -> None:
        """There is nothing to give back."""

    def works(self) -> bool:
        """Always."""
        return True

    def leads(self) -> bool:
        """Always."""
        return True

    @contextmanager
    def inherits(self, other: str) -> Iterator[bool]:  # noqa: ARG002 - others need it
        """Always: whoever else has worked here is gone."""
        yield True


class Leasing:
    """`Node` of a gateway on a database that others can reach."""

    def __init__(self, database: Database) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._database = database
        self._own: Lease | None = None
        self._leading: Lease | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    def start(self) -> None:
        """Take the lease of this node's name, and that of the leader where nobody has it."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Give both back: what was not finished is for others."""
        self._stopping.set()
        self._thread.join()
        for lease in (self._leading, self._own):
            if lease is not None:
                lease.close()

    def works(self) -> bool:
        """Whether the lease was there when it was last looked at."""
        return self._own is not None

    def leads(self) -> bool:
        """Whether the lease of the leader was there when it was last looked at."""
        return self._leading is not None

    @contextmanager
    def inherits(self, other: str) -> Iterator[bool]:
        """By having the other's lease for a while."""
        lease = self._database.lease(_lease_of(other))
        try:
            yield lease is not None
        finally:
            if lease is not None:
                lease.close()

    def _run(self) -> None:
        while not self._stopping.wait(BEAT_SECONDS):
            try:
                self._beat()
            except Exception as error:  # the server is away; it is asked again
                log.warning("node.unheard", node=self.name, reason=place_of(error))

    def _beat(self) -> None:
        led = self.leads()
        self._own = self._kept(self._own) or self._database.lease(_lease_of(self.name))
        self._leading = self._kept(self._leading) or self._database.lease(LEADER)
        if self.leads() and not led:
            log.info("node.leads", node=self.name)

    def _kept(self, lease: Lease | None) -> Lease | None:
        """A lease that is still ours."""
        if lease is None or lease.lasts():
            return lease
        lease.close()
        return None


def node_of(database: Database) -> Node:
    """This process, as a gateway on a database."""
    return Leasing(database) if database.is_shared else Alone()


def _lease_of(name: str) -> str:
    return f"node {name}"
