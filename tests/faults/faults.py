"""What may happen to a gateway while batches are under way, by name.

A fault that stops the gateway starts it again; one that the gateway ends by itself leaves that to its
supervisor.
"""

from __future__ import annotations

import errno
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from adapters.installation import exchange_seal
from adapters.pki import Authority
from adapters.premises import Premises
from gateway.moments import system_clock
from tests.faults.disk import Cut, Refusal
from tests.faults.release import next_release
from tests.faults.scene import Fault, Scene
from tests.faults.station import OURS
from tests.house import wait_for
from tests.tools import tool

OPERATIONS = 900
"""Of the disk, about as many as there are for what `Scene.send` sends."""
OF_A_START = 120
"""Of the disk, about as many as a start has."""
LONGEST_MOMENT = 1.5
FAILING_SECONDS = 1.5
LOCKED_SECONDS = 10.0


def _cut(scene: Scene, what: Cut) -> None:
    """The gateway is gone at one operation of the disk; now and then it is gone again while it starts."""
    draw = scene.draw
    scene.disk.arm([scene.station.process], draw.randrange(OPERATIONS), done=draw.random() < 0.5)
    scene.send()
    _cut_off(scene)
    while draw.random() < 0.15:
        scene.disk.again(what, draw.randrange(2**32))
        scene.station.launch()
        scene.disk.arm([scene.station.process], draw.randrange(OF_A_START), done=draw.random() < 0.5)
        scene.send()
        _cut_off(scene)
    scene.restart(what)


def _cut_off(scene: Scene) -> None:
    """Wait for the cut that was ordered, or make it when there is nothing left to wait for."""
    while not scene.clients.quiet(0.02) and not scene.disk.state()["cut"]:
        pass
    scene.disk.cut([scene.station.process])
    scene.station.gone()


def power_cut(scene: Scene) -> None:
    """The disk forgets what was not synced: all of it, or some by the seed."""
    _cut(scene, scene.draw.choice([Cut.NOTHING, Cut.NOTHING, Cut.SOME, Cut.FIRST]))


def killed_at_an_operation(scene: Scene) -> None:
    """SIGKILL at one operation of the disk: written, renamed or synced, and nobody heard of it."""
    _cut(scene, Cut.ALL)


def killed(scene: Scene) -> None:
    """SIGKILL at any moment."""
    scene.send()
    scene.moment(LONGEST_MOMENT)
    scene.station.kill()
    scene.station.start()


def killed_while_starting(scene: Scene) -> None:
    """SIGKILL at any moment of a start, several times."""
    scene.send()
    scene.station.kill()
    for _ in range(3):
        scene.station.launch()
        scene.clients.quiet(scene.draw.uniform(0, 1.2 * min(scene.station.starts)))
        scene.station.kill()
    scene.station.start()


def told_to_stop(scene: Scene) -> None:
    """SIGTERM at any moment: it ends in good order."""
    scene.send()
    scene.moment(LONGEST_MOMENT)
    scene.station.stop()
    scene.station.start()


def told_to_stop_while_starting(scene: Scene) -> None:
    """SIGTERM before its doors are open."""
    scene.send()
    scene.station.kill()
    scene.station.launch()
    scene.clients.quiet(scene.draw.uniform(0, 1.2 * min(scene.station.starts)))
    scene.station.send(signal.SIGTERM)
    scene.station.gone()
    scene.station.start()


def stopped_and_continued(scene: Scene) -> None:
    """SIGSTOP for a while."""
    scene.send()
    scene.moment(LONGEST_MOMENT / 2)
    scene.station.send(signal.SIGSTOP)
    scene.clients.quiet(FAILING_SECONDS)
    scene.station.send(signal.SIGCONT)


SYSTEM_CALLS: Mapping[str, int] = {
    "pwrite64": 60,
    "fsync": 3,
    "fdatasync": 20,
    "write": 12,
    "rename,renameat,renameat2": 2,
    "unlink,unlinkat": 3,
    "openat": 20,
    "ftruncate": 3,
    "sendto,sendmsg": 30,
    "recvfrom,recvmsg": 40,
    "fcntl": 120,
    "close": 20,
    "futex": 150,
    "clone,clone3": 2,
    "mmap,munmap": 10,
    "accept4,accept": 4,
}
"""Sets of system calls, and how often a thread makes them while a few deposits pass."""


def killed_at_a_system_call(scene: Scene) -> None:
    """SIGKILL when a thread makes a system call for the n-th time."""
    calls = scene.draw.choice(list(SYSTEM_CALLS))
    count = scene.draw.randint(1, SYSTEM_CALLS[calls])
    with _traced(scene, f"inject={calls}:signal=SIGKILL:when={count}", calls):
        scene.send()
        _until_ended(scene)
    if not scene.station.process:
        scene.station.start()


def write_fails_in_the_kernel(scene: Scene) -> None:
    """EIO or ENOSPC from a system call, without the forgetful disk."""
    draw = scene.draw
    calls = draw.choice(
        ["pwrite64", "fsync", "fdatasync", "rename,renameat,renameat2", "ftruncate", "openat", "mmap"]
    )
    error = draw.choice(["EIO", "ENOSPC"]) if "sync" not in calls else "EIO"
    first = draw.randint(1, 12)
    with _traced(scene, f"inject={calls}:error={error}:when={first}..{first + 2}", calls):
        scene.send()
        _until_ended(scene)


def _until_ended(scene: Scene) -> None:
    """Until the gateway has ended, or nothing is under way, or the while is over."""
    until = time.monotonic() + 3 * FAILING_SECONDS
    while not scene.clients.quiet(0.02) and scene.station.ended() is None and time.monotonic() < until:
        pass


@contextmanager
def _traced(scene: Scene, injection: str, calls: str) -> Iterator[None]:
    """The gateway under strace, all its threads."""
    process = scene.station.process
    command = [tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", injection]
    tracer = subprocess.Popen([*command, "-p", str(process)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _is_traced(process) or None)
        yield
    finally:
        tracer.terminate()
        tracer.wait(10)


def _is_traced(process: int) -> bool:
    """Whether all its threads are, or the first of them has met its end already."""
    try:
        every = [(task / "status").read_text() for task in Path(f"/proc/{process}/task").iterdir()]
        return all("TracerPid:\t0\n" not in one or "State:\tZ" in one for one in every)
    except (FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
        return False


def _limited(scene: Scene, **limits: object) -> None:
    """Batches are sent while the disk refuses something; after a while it does not any more."""
    scene.disk.limit(**limits)  # type: ignore[arg-type]
    scene.send()
    _until_ended(scene)
    scene.disk.limit()


def full(scene: Scene) -> None:
    """No room for so many bytes more."""
    _limited(scene, room=scene.disk.state()["used"] + scene.draw.choice([0, 1_000, 20_000, 100_000]))


def out_of_inodes(scene: Scene) -> None:
    """No room for a file more."""
    _limited(scene, nodes=scene.disk.state()["count"] + scene.draw.choice([0, 1, 2]))


def read_only(scene: Scene) -> None:
    """The disk can only be read, as after an error of the filesystem."""
    _limited(scene, read_only=True)


def _failing(operations: Sequence[str], scene: Scene) -> None:
    """Some operations fail with EIO, for a while or once."""
    draw = scene.draw
    refusal = Refusal(
        operation=draw.choice(operations),
        error=errno.EIO,
        name=draw.choice(["", "-wal", ".sqlite"]),
        after=draw.randrange(30),
        times=draw.choice([1, 2, 1000]),
    )
    _limited(scene, refusals=[refusal])


write_fails = partial(_failing, ["write", "create", "rename"])


def sync_fails(scene: Scene) -> None:
    """A sync fails; later the power goes: what was told after the failed sync has to be there as well."""
    _failing(["sync", "sync", "sync-folder"], scene)
    scene.wait()
    scene.disk.cut([scene.station.process])
    scene.station.gone()
    scene.restart(Cut.NOTHING)


def out_of_descriptors(scene: Scene) -> None:
    """No file or connection can be opened for a while."""
    process = scene.station.process
    _, most = resource.prlimit(process, resource.RLIMIT_NOFILE)
    used = len(list(Path(f"/proc/{process}/fd").iterdir()))
    resource.prlimit(process, resource.RLIMIT_NOFILE, (used + scene.draw.choice([0, 1, 3, 8]), most))
    scene.send()
    scene.clients.quiet(FAILING_SECONDS)
    with suppress(ProcessLookupError):  # it has ended, as it does when it cannot serve a door
        resource.prlimit(process, resource.RLIMIT_NOFILE, (most, most))


def locked(scene: Scene, seconds: float = LOCKED_SECONDS) -> None:
    """Somebody else has the write lock of the database."""
    with closing(sqlite3.connect(Premises(scene.station.data).database, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        scene.send()
        scene.clients.quiet(seconds)
        other.execute("ROLLBACK")


def clock_jumps(scene: Scene) -> None:
    """The clock is put forward, and back again behind where it was."""
    assert scene.station.clock is not None
    for seconds in (scene.draw.uniform(1, 7200), scene.draw.uniform(-1800, -1), 0.0):
        _put(scene.station.clock, seconds)
        scene.send()
        scene.moment(LONGEST_MOMENT)


def _put(clock: Path, seconds: float) -> None:
    arriving = clock.with_suffix(".arriving")
    arriving.write_text(str(seconds))
    arriving.replace(clock)


def revocations_exchanged(scene: Scene) -> None:
    """The revocation list is away for a while, then there is a new one."""
    premises = Premises(scene.station.data)
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    published = premises.revocations / "throw-away.crl"
    away = published.with_suffix(".away")
    published.rename(away)
    scene.send()
    scene.moment(LONGEST_MOMENT)
    now = system_clock()
    away.write_bytes(authority.crl({}, now - timedelta(seconds=1), now + timedelta(days=300)))
    away.rename(published)
    scene.send()


def seal_exchanged(scene: Scene) -> None:
    """Another key seals from now on."""
    scene.send()
    scene.moment(LONGEST_MOMENT / 2)
    exchange_seal(Premises(scene.station.data), None, None, system_clock())
    scene.send()


def release_exchanged(scene: Scene) -> None:
    """While batches wait, the program is exchanged for a release with other forms and parameters, or back."""
    station = scene.station
    scene.send()
    scene.moment(LONGEST_MOMENT / 2)
    scene.draw.choice([station.stop, station.kill])()
    station.release = next_release() if station.release == OURS else OURS
    station.start()
    scene.send()


KILLS: Mapping[str, Fault] = {
    "SIGKILL at an operation of the disk": killed_at_an_operation,
    "SIGKILL at a system call": killed_at_a_system_call,
    "SIGKILL at any moment": killed,
    "SIGKILL while starting": killed_while_starting,
    "SIGTERM at any moment": told_to_stop,
    "SIGTERM while starting": told_to_stop_while_starting,
    "SIGSTOP, SIGCONT": stopped_and_continued,
}
POWER_CUTS: Mapping[str, Fault] = {
    "power cut": power_cut,
    "sync fails, then a power cut": sync_fails,
}
RESOURCES: Mapping[str, Fault] = {
    "disk full": full,
    "no inodes left": out_of_inodes,
    "disk read-only": read_only,
    "EIO from write, create, rename": write_fails,
    "EIO, ENOSPC from a system call": write_fails_in_the_kernel,
    "no descriptors left": out_of_descriptors,
}
SURROUNDINGS: Mapping[str, Fault] = {
    "database locked": locked,
    "clock put forward and back": clock_jumps,
    "revocation list exchanged": revocations_exchanged,
    "seal exchanged": seal_exchanged,
    "forms and parameters exchanged": release_exchanged,
}
FAULTS: Mapping[str, Fault] = {**KILLS, **POWER_CUTS, **RESOURCES, **SURROUNDINGS}
