"""Small batches over HTTPS, each with a durable signed receipt: this gateway beside django-pyas2.

    make bench-as2 ARGS="--messages 400 --at-once 8 --rounds 3"

django-pyas2 1.2.3 takes signed AS2 messages of 2 kB over HTTP and answers each with a signed receipt (MDN,
synchronous), with two gunicorn workers on a PostgreSQL server. The gateway takes signed batches of one wage
over HTTPS and answers each with its receipt, in one process, on the embedded database; it goes on to treat
them meanwhile, so that the seconds to the last acknowledgement stand beside those to the last receipt. All
messages are signed beforehand; connections are kept. What is kept is not alike: the peer writes its files
without a sync, and its server's database lies in memory; the gateway's lie on the disk, synced.

It makes an environment of its own for the peer (build/as2, from PyPI), in which `oscrypto` learns of
versions of OpenSSL with two digits. Figures are of this machine and run: read the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from adapters.installation import install
from adapters.serve import Gateway
from adapters.settings import Settings
from bench.month import wait_until_treated
from bench.path import ROOT
from bench.people import people
from bench.transfer import wait_until_open
from gateway.batch import MemberId
from gateway.client import https
from gateway.moments import system_clock
from tests import postgres
from tests.durability.gateways import free_port
from tests.durability.running import PATIENCE_SECONDS, running
from tests.house import EMPLOYER, House, wage

HOME = ROOT / "build" / "as2"
PEER = ROOT / "bench" / "as2_peer.py"
PACKAGES = ("django-pyas2==1.2.3", "Django==5.2.19", "gunicorn==27.0.1", "psycopg2-binary==2.9.13")
NARROW, WIDE = r"\\b(\\d\\.\\d\\.\\d[a-z]*)\\b", r"\\b(\\d+\\.\\d+\\.\\d+[a-z]*)\\b"


def environment_of_the_peer() -> Path:
    """The interpreter of an environment with the peer, made the first time."""
    python = HOME / "bin" / "python"
    if not (HOME / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        install_ = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(install_, check=True)
        for file in HOME.glob("lib/*/site-packages/oscrypto/_openssl/_libcrypto_c*.py"):
            file.write_text(file.read_text().replace(NARROW, WIDE))
        (HOME / "ready").touch()
    return python


@contextmanager
def peer(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A django-pyas2 server: where it takes messages, and the environment of its commands."""
    python = environment_of_the_peer()
    url = sa.make_url(postgres.address(str(folder)))
    database = {
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password or "",
        "HOST": url.host or url.query.get("host", ""),
        "PORT": str(url.port or ""),
    }
    given = {**os.environ, "AS2_DATABASE": json.dumps(database), "PYTHONPATH": str(PEER.parent)}
    subprocess.run([str(python), str(PEER), "prepare"], cwd=folder, env=given, check=True)
    port = free_port()
    serving = [
        "gunicorn",
        "-w",
        "2",
        "--log-level",
        "warning",
        "-b",
        f"127.0.0.1:{port}",
        "as2_peer:application",
    ]
    with subprocess.Popen([str(python), "-m", *serving], cwd=folder, env=given) as server:
        try:
            wait_until_open(port)
            yield f"http://127.0.0.1:{port}/pyas2/as2receive", given
        finally:
            server.terminate()


def of_the_peer(messages: int, at_once: int) -> float:
    """Messages a second with a signed, positive receipt.

    Raises:
        SystemExit: one was not answered so.
    """
    with tempfile.TemporaryDirectory() as made, peer(Path(made)) as (url, given):
        sending = [str(HOME / "bin" / "python"), str(PEER), "send", url]
        for count in (20, messages):
            done = subprocess.run(
                [*sending, str(count), str(at_once)],
                cwd=made,
                env=given,
                check=True,
                stdout=subprocess.PIPE,
                timeout=10 * PATIENCE_SECONDS,
            )
            found = json.loads(done.stdout)
            if found["good"] != count:
                sys.exit(f"django-pyas2: {found['good']} good receipts of {count}")
    return messages / float(found["seconds"])


def of_the_gateway(messages: int, at_once: int) -> tuple[float, float]:
    """Messages a second to their receipts, and to their acknowledgements.

    Raises:
        SystemExit: one was not answered well.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        settings = Settings(data=folder / "gateway", https_port=0, sftp_port=0)
        install(settings, system_clock())
        home = House(folder, settings, system_clock, Gateway(settings))
        home.employer(EMPLOYER)
        senders = [home.sender(MemberId(EMPLOYER, f"{100_000 + n}"), [EMPLOYER]) for n in range(at_once)]
        insured, batches = people(), []
        for number in range(messages):
            person, sender = next(insured), senders[number % at_once]
            home.affiliate(person)
            batches.append(
                (sender, home.name("DECSAL", sender.member), home.batch(sender, "DECSAL", [wage(person)]))
            )
        with running(settings.data) as opened:

            def send(own: Sequence[tuple[str, bytes]], number: int) -> None:
                with https.enter(opened.profile(senders[number])) as door:
                    for name, content in own:
                        door.deposit(name, content)

            shares = [
                [(name, content) for sender, name, content in batches if sender is one] for one in senders
            ]
            began = time.perf_counter()
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(send, shares, range(at_once)))
            receipts = time.perf_counter() - began
            wait_until_treated(home)
            acknowledged = time.perf_counter() - began
        counts = home.gateway.deposits.counts()
        home.gateway.database.close()
    if counts != {"done": messages}:
        sys.exit(f"the gateway: {counts} of {messages}")
    return messages / receipts, messages / acknowledged


def main() -> int:
    """Print both, in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    theirs, ours = [], []
    for _ in range(given.rounds):
        theirs.append(of_the_peer(given.messages, given.at_once))
        ours.append(of_the_gateway(given.messages, given.at_once))
    base = statistics.median(theirs)
    receipts, acknowledged = (statistics.median(each) for each in zip(*ours, strict=True))
    if given.as_json:
        print(json.dumps({"receipts": receipts / base, "acknowledgements": acknowledged / base}))
        return 0
    print(f"{os.cpu_count()} processors {platform.machine()}, Python {platform.python_version()}, {given}")
    print("| | messages/s | against django-pyas2 |")
    print("|---|---:|---:|")
    print(f"| django-pyas2, signed receipt | {base:.1f} | 1.0 |")
    print(f"| gateway, signed receipt | {receipts:.1f} | {receipts / base:.1f} |")
    print(f"| gateway, acknowledgement | {acknowledged:.1f} | {acknowledged / base:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
