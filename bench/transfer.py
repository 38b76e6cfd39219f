"""Uploads over SFTP: this gateway beside OpenSSH's own server, one client, files and key.

    make bench-transfer ARGS="--rounds 3 --seed 1"

OpenSSH's `sftp` puts one file of 200 MB, then 200 of 100 kB, in one session each: into `inbox/` of a gateway
that `secugate serve` opened, and into a folder of `sshd` with `internal-sftp`, in turn. Both encrypt with the
cipher that they agree on. The gateway hashes and syncs what it takes, and has a signed receipt for it before
it says that a file is closed; `internal-sftp` leaves it to the kernel to write it some time. The contents
are random bytes, which the gateway refuses after it has taken them: that is not waited for, though it goes
on while the next file comes. Needs `sshd` (Debian: openssh-server). Figures are of this machine and run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.installation import install
from adapters.serve import Gateway
from adapters.settings import Settings
from bench.month import family, seconds_of, wait_until_treated
from gateway.client.profile import Profile
from gateway.moments import system_clock
from tests.durability.running import running
from tests.house import EMPLOYER, MEMBER, House
from tests.tools import tool

LARGE, SMALL, MANY = 200_000_000, 100_000, 200
SSHD = "/usr/sbin/sshd"
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where the client puts files.

    Attributes:
        process: of the server.
        known: its address, its public key, and the client's key.
        folder: into which files are put, as the client writes it.
    """

    process: int
    known: Profile
    folder: str

    def put(self, files: Sequence[Path]) -> tuple[float, float]:
        """Put files in one session: seconds on the wall, and of CPU of the server.

        Raises:
            subprocess.CalledProcessError: one of them was not taken.
        """
        host, _, port = self.known.sftp.rpartition(":")
        options = ["BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes"]
        options += [f"UserKnownHostsFile={self.known.host_key}", "GlobalKnownHostsFile=/dev/null"]
        words = ["-F", "/dev/null", "-i", str(self.known.ssh_key), *(w for o in options for w in ("-o", o))]
        user = self.known.member if self.folder == "inbox/" else os.environ.get("USER", "root")
        before, began = self._cpu(), time.perf_counter()
        subprocess.run(
            [tool("sftp"), "-q", "-b", "-", *words, "-P", port, f"{user}@{host}"],
            input="".join(f"put {file} {self.folder}\n" for file in files),
            stdout=subprocess.DEVNULL,
            check=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        return time.perf_counter() - began, self._cpu() - before

    def _cpu(self) -> float:
        return sum(sum(seconds_of(one)) for one in family(self.process))


@contextmanager
def openssh(folder: Path, known: Profile) -> Iterator[Server]:
    """An `sshd` of our own, which lets this key in and serves files alone."""
    folder.mkdir()
    (folder / "files").mkdir()
    key = folder / "host_key"
    subprocess.run([tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    shutil.copyfile(known.ssh_key.with_suffix(".pub"), folder / "authorized_keys")
    (folder / "config").write_text(
        f"HostKey {key}\nAuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nUsePAM no\n"
        "StrictModes no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    hosts = folder / "known_hosts"
    hosts.write_text(f"[127.0.0.1]:{port} {key.with_suffix('.pub').read_text()}")
    place = ["-f", str(folder / "config"), "-p", str(port), "-o", "ListenAddress=127.0.0.1"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([SSHD, "-D", "-e", *place], stderr=log) as server,
    ):
        try:
            wait_until_open(port)
            there = replace(known, sftp=f"127.0.0.1:{port}", host_key=hosts)
            yield Server(server.pid, there, f"{folder}/files/")
        finally:
            server.terminate()


def wait_until_open(port: int) -> None:
    """Until somebody listens at a port of this machine.

    Raises:
        ConnectionRefusedError: nobody does after five minutes.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def gateway(folder: Path) -> Iterator[tuple[Server, House]]:
    """A gateway process that takes files as large as ours, and one member."""
    os.environ["SECUGATE_LARGEST_DEPOSIT"] = str(LARGE)
    settings = Settings(data=folder / "gateway", https_port=0, sftp_port=0)
    install(settings, system_clock())
    home = House(folder, settings, system_clock, Gateway(settings))
    home.employer(EMPLOYER)
    sender = home.sender(MEMBER, [EMPLOYER])
    try:
        with running(settings.data) as opened:
            yield Server(opened.process.pid, opened.profile(sender), "inbox/"), home
    finally:
        home.gateway.database.close()


def named(home: House, folder: Path, contents: Sequence[bytes]) -> list[Path]:
    """Files with names under which a member may deposit."""
    folder.mkdir()
    files = [folder / home.name("DECSAL", MEMBER) for _ in contents]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    return files


def main() -> int:
    """Print a line for each kind of upload."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    loads = {"200 MB": [LARGE], "200 x 100 kB": [SMALL] * MANY}
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as made, gateway(Path(made)) as (ours, home):
        folder = Path(made)
        with openssh(folder / "sshd", ours.known) as theirs:
            for round_, (load, sizes) in itertools.product(range(given.rounds), loads.items()):
                contents = [draw.randbytes(size) for size in sizes]
                files = named(home, folder / f"{round_}-{len(sizes)}", contents)
                for name, server in (("gateway", ours), ("internal-sftp", theirs)):
                    taken.setdefault((load, name), []).append(server.put(files))
                wait_until_treated(home)
        deposits = sum(home.gateway.deposits.counts().values())
    expected = given.rounds * sum(map(len, loads.values()))
    if deposits != expected:
        sys.exit(f"{deposits} deposits of {expected} files")
    against = {
        load: _seconds(taken, load, "internal-sftp") / _seconds(taken, load, "gateway") for load in loads
    }
    if given.as_json:
        print(json.dumps(against))
        return 0
    print(f"{os.cpu_count()} processors {platform.machine()}, Python {platform.python_version()}, {given}")
    print("| upload | server | MB/s | server CPU s | against internal-sftp |")
    print("|---|---|---:|---:|---:|")
    for load, sizes in loads.items():
        for name, ratio in (("gateway", against[load]), ("internal-sftp", 1)):
            pace = sum(sizes) / 1e6 / _seconds(taken, load, name)
            cpu = statistics.median(used for _, used in taken[load, name])
            print(f"| {load} | {name} | {pace:.0f} | {cpu:.1f} | {ratio:.2f} |")
    return 0


def _seconds(taken: Mapping[tuple[str, str], Sequence[tuple[float, float]]], load: str, name: str) -> float:
    return statistics.median(seconds for seconds, _ in taken[load, name])


if __name__ == "__main__":
    sys.exit(main())
