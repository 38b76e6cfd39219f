"""Faults of the servers that gateways work with: the database on PostgreSQL, the store on S3.

The gateway reaches both by a line of ours, on which replies are lost, refused or held.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import sqlalchemy as sa

from tests import postgres
from tests.faults.scene import Fault, Scene
from tests.house import wait_for

AWAY_SECONDS = 3.0
_COMMIT = b"COMMIT\0"


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def _beside(
    back: Callable[..., None], here: socket.socket, there: socket.socket, *more: object
) -> Iterator[None]:
    """Have replies brought back meanwhile; afterwards both ends are hung up, and nobody reads from them any
    more: only then may they be closed, since their numbers are given to others at once."""

    def run() -> None:
        with suppress(OSError):
            back(here, there, *more)
        _hang_up(here)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        _hang_up(here)
        _hang_up(there)
        thread.join()


class Line:
    """A line to a database server.

    Attributes:
        address: of the database, by this line.
        cut: so many replies to COMMIT are still to be cut off: the server has committed, nobody is told.
        is_away: whether the server cannot be reached.
    """

    def __init__(self, direct: str) -> None:
        self._there = sa.make_url(direct)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.cut = 0
        self.is_away = False
        port = self._listener.getsockname()[1]
        by_line = self._there.set(host="127.0.0.1", port=port).difference_update_query(["host", "port"])
        self.address = by_line.render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection on it."""
        for one in list(self._open):
            _hang_up(one)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(here,), daemon=True).start()

    def _connect(self) -> socket.socket:
        host = self._there.host or str(self._there.query.get("host", ""))
        port = self._there.port or int(str(self._there.query.get("port", 5432)))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        there = socket.socket(socket.AF_UNIX)
        there.connect(f"{host}/.s.PGSQL.{port}")
        return there

    def _serve(self, here: socket.socket) -> None:
        with suppress(OSError), here:
            if self.is_away:
                return
            with self._connect() as there:
                silent = threading.Event()
                self._open |= {here, there}
                with _beside(self._back, here, there, silent):
                    while chunk := here.recv(65536):
                        if self.cut and _COMMIT in chunk:
                            self.cut -= 1
                            silent.set()
                        there.sendall(chunk)
                self._open -= {here, there}

    def _back(self, here: socket.socket, there: socket.socket, silent: threading.Event) -> None:
        while (chunk := there.recv(65536)) and not silent.is_set():
            here.sendall(chunk)


class Way:
    """A line to a store, on which replies can be lost, refused or held.

    Attributes:
        lost: so many replies are still to be cut off, after the server has done what was asked.
        after: so many replies come through before.
        refused: so many requests are still to be answered 500, without asking the server.
        free: requests wait while this is not set.
    """

    def __init__(self, host: str, port: int) -> None:
        self.lost, self.refused, self.after = 0, 0, 0
        self.free = threading.Event()
        self.free.set()
        self._there = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.free.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(here,), daemon=True).start()

    def _serve(self, here: socket.socket) -> None:
        with (
            suppress(OSError),
            here,
            socket.create_connection(self._there) as there,
            _beside(self._back, here, there),
        ):
            while chunk := here.recv(65536):
                self.free.wait()
                if self.refused:
                    self.refused -= 1
                    here.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                there.sendall(chunk)

    def _back(self, here: socket.socket, there: socket.socket) -> None:
        while chunk := there.recv(65536):
            if self.lost and self.after:
                self.after -= 1
            elif self.lost:
                self.lost -= 1
                return
            here.sendall(chunk)


@contextmanager
def _asked(direct: str) -> Iterator[psycopg.Connection[tuple[int]]]:
    """A connection of our own, once the server lets one in."""

    def connected() -> psycopg.Connection[tuple[int]] | None:
        try:
            return psycopg.connect(postgres.plain(sa.make_url(direct)), autocommit=True)
        except psycopg.OperationalError:  # it recovers from a fault
            return None

    with wait_for(connected) as connection:
        yield connection


_OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def of_the_database(direct: str, line: Line) -> dict[str, Fault]:
    """Faults of a database server, by name.

    Args:
        direct: the address of the database on the server itself.
        line: by which the gateway reaches it.
    """

    def terminated(scene: Scene) -> None:
        scene.send()
        scene.moment(1.0)
        with _asked(direct) as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({_OTHERS}) AS others")

    def crashed(scene: Scene) -> None:
        """One of its processes is killed: it ends all connections, and recovers from its own log."""
        scene.send()
        scene.moment(1.0)
        with _asked(direct) as connection:
            pids = [pid for (pid,) in connection.execute(_OTHERS)]
        with suppress(ProcessLookupError):
            os.kill(scene.draw.choice(pids), signal.SIGKILL)

    def commit_unanswered(scene: Scene) -> None:
        line.cut = wanted = scene.draw.randint(1, 6)
        scene.send()
        _until(scene, lambda: not line.cut)
        assert line.cut < wanted, "no reply to COMMIT was cut"
        line.cut = 0

    def away(scene: Scene) -> None:
        scene.send()
        scene.moment(0.5)
        line.is_away = True
        line.hang_up()
        time.sleep(scene.draw.uniform(0, AWAY_SECONDS))
        line.is_away = False

    return {
        "connections to the database terminated": terminated,
        "server of the database crashed": crashed,
        "reply to COMMIT cut": commit_unanswered,
        "database away": away,
    }


def of_the_store(way: Way) -> dict[str, Fault]:
    """Faults of a store, by name."""

    def lost(scene: Scene) -> None:
        way.after = scene.draw.randint(0, 3)
        way.lost = wanted = scene.draw.randint(1, 4)
        scene.send()
        _until(scene, lambda: not way.lost)
        assert way.lost < wanted, "no reply of the store was lost"
        way.lost = 0

    def refused(scene: Scene) -> None:
        way.refused = wanted = scene.draw.randint(1, 8)
        scene.send()
        _until(scene, lambda: not way.refused)
        assert way.refused < wanted, "the store refused nothing"
        way.refused = 0

    def slow(scene: Scene) -> None:
        way.free.clear()
        scene.send()
        time.sleep(scene.draw.uniform(0, AWAY_SECONDS))
        way.free.set()

    return {"reply of the store lost": lost, "store answers 500": refused, "store slow": slow}


def _until(scene: Scene, is_over: Callable[[], bool]) -> None:
    """Until all of a fault has happened, or nothing is under way any more."""
    until = time.monotonic() + 2 * AWAY_SECONDS
    while not is_over() and not scene.clients.quiet(0.02) and time.monotonic() < until:
        pass
