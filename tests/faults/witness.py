"""The witness: real clients in a process of their own, which write down what they were told.

    python -m tests.faults.witness BOOK

Orders come on standard input, a JSON document a line: which bytes to send as whom, through which door. An
order is carried out as the clients' documentation says: the same bytes under the same name again, until a
positive answer comes. Each member's outbox is collected all the time. What came of it is told on standard
output, after it was written into the book. The process ends when there are no more orders and each was
answered.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypedDict

import httpx2
import paramiko
from lxml import etree

from adapters.sftp.drafts import NO_ROOM, OUR_FAULT
from gateway.client.doors import Refused
from gateway.client.https import HttpsDoor
from gateway.client.profile import Profile
from gateway.client.sftp import SftpDoor
from gateway.returns import acktrt
from tests.faults.book import Line, Reply, Writer

LOST = (httpx2.HTTPError, OSError, EOFError, paramiko.SSHException)
"""No answer came: whether the deposit was made is not known."""
OURS = ("DOOR-FAILED", "DOOR-UNPROVABLE", "DOOR-LATER", "DOOR-FULL", "the door answered 5")
"""How a door begins when it cannot now, and it is not the sender's fault."""
AT_ONCE = 8
AGAIN_SECONDS = 0.05
COLLECT_SECONDS = 0.1
CLIENT_SECONDS = 30.0


class Order(TypedDict):
    """A batch to be sent."""

    order: int
    profile: str
    door: str
    name: str
    file: str


class Told(TypedDict, total=False):
    """What is told on standard output."""

    accepted: int
    acknowledged: str
    refused: int


class NotNow(Exception):
    """The door said that it cannot now, and that it is not our fault."""


class Witness:
    """Carries out orders and collects."""

    def __init__(self, book: Writer) -> None:
        self._book = book
        self._over = threading.Event()
        self._kept = threading.local()
        self._out = threading.Lock()
        self._collected: dict[str, threading.Thread] = {}

    def run(self) -> None:
        """Take orders until there are no more and each was answered."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for line in sys.stdin:
                order: Order = json.loads(line)
                self._collect_for(order["profile"])
                threads.submit(self._guarded, order)
        self._over.set()
        for thread in self._collected.values():
            thread.join()

    def _guarded(self, order: Order) -> None:
        try:
            self._carry_out(order)
        except Exception as error:
            sys.stderr.write(f"witness: order {order['order']}: {error!r}\n")
            raise

    def _carry_out(self, order: Order) -> None:
        profile = Profile.load(Path(order["profile"]))
        content = Path(order["file"]).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        told: Line = {
            "order": order["order"],
            "member": str(profile.member),
            "digest": digest,
            "door": order["door"],
        }
        reply = Reply.SILENCE
        while reply in (Reply.SILENCE, Reply.LATER):
            self._book.write({**told, "what": "call"})
            reply, words, receipt = self._try(order, profile, content)
            line: Line = {**told, "what": "reply", "reply": reply.value, "words": words}
            if receipt is not None:
                line["receipt"] = base64.b64encode(receipt).decode()
            self._book.write(line)
            if reply is not Reply.ACCEPTED:
                self._over.wait(AGAIN_SECONDS)
        self._tell({"accepted": order["order"]} if reply is Reply.ACCEPTED else {"refused": order["order"]})

    def _try(self, order: Order, profile: Profile, content: bytes) -> tuple[Reply, str, bytes | None]:
        try:
            receipt = DOORS[order["door"]](self, profile, order, content)
        except NotNow as later:
            return Reply.LATER, str(later), None
        except Refused as error:
            self._leave(order)
            ours = str(error).startswith(OURS)
            return (Reply.LATER if ours else Reply.REFUSED), str(error), None
        except LOST as error:
            self._leave(order)
            said = str(error)
            ours = OUR_FAULT in said or NO_ROOM in said
            return (Reply.LATER if ours else Reply.SILENCE), said, None
        return Reply.ACCEPTED, "", receipt

    def _leave(self, order: Order) -> None:
        door = vars(self._kept).pop(_key(order), None)
        if door is not None:
            door.close()

    def _by_https(self, profile: Profile, order: Order, content: bytes) -> bytes:
        door = vars(self._kept).setdefault(_key(order), None) or HttpsDoor(profile)
        vars(self._kept)[_key(order)] = door
        receipt: bytes = door.deposit(order["name"], content)
        return receipt

    def _by_sftp(self, profile: Profile, order: Order, content: bytes) -> None:
        door = vars(self._kept).setdefault(_key(order), None) or SftpDoor(profile)
        vars(self._kept)[_key(order)] = door
        door.deposit(order["name"], content)

    def _by_curl(self, profile: Profile, order: Order, content: bytes) -> bytes:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with tempfile.NamedTemporaryFile() as out:
            command = [
                "curl",
                "--silent",
                "--show-error",
                "--max-time",
                str(CLIENT_SECONDS),
                "--output",
                out.name,
            ]
            command += [
                "--cert",
                str(profile.certificate),
                "--key",
                str(profile.key),
                "--cacert",
                str(profile.trust),
            ]
            command += [
                "--header",
                "Content-Type: application/xml",
                "--header",
                f"Content-Digest: sha-256=:{digest}:",
            ]
            command += ["--data-binary", f"@{order['file']}", "--write-out", "%{http_code}"]
            done = _run([*command, f"{profile.https}/v1/deposits?name={order['name']}"])
            answer = Path(out.name).read_bytes()
        if done.returncode:
            raise OSError(done.stderr)
        if done.stdout == "202":
            return answer
        if done.stdout.startswith(("429", "5")):
            raise NotNow(f"{done.stdout}: {answer.decode(errors='replace')}")
        raise Refused(f"{done.stdout}: {answer.decode(errors='replace')}")

    def _by_openssh(self, profile: Profile, order: Order, content: bytes) -> None:
        host, _, port = profile.sftp.rpartition(":")
        command = ["sftp", "-q", "-b", "-", "-P", port, "-i", str(profile.ssh_key), "-o", "BatchMode=yes"]
        command += ["-o", f"UserKnownHostsFile={profile.host_key}", "-o", "IdentitiesOnly=yes", "-F", "none"]
        name = order["name"]
        batch = f"put {order['file']} /inbox/{name}.part\nrename /inbox/{name}.part /inbox/{name}\n"
        done = _run([*command, f"{profile.member}@{host}"], batch)
        if done.returncode:
            raise OSError(done.stderr)

    def _collect_for(self, profile: str) -> None:
        if profile not in self._collected:
            thread = threading.Thread(target=self._collect, args=(Profile.load(Path(profile)),))
            self._collected[profile] = thread
            thread.start()

    def _collect(self, profile: Profile) -> None:
        """Collect what is new from the cursor where this member stopped, until all is over."""
        cursor = 0
        while not self._over.wait(COLLECT_SECONDS):
            try:
                with closing(HttpsDoor(profile)) as door:
                    while not self._over.wait(COLLECT_SECONDS):
                        for after, answer in door.collect(cursor):
                            self._take(str(profile.member), answer.name, answer.kind, answer.content)
                            cursor = after
            except (*LOST, Refused):
                continue

    def _take(self, member: str, name: str, kind: str, content: bytes) -> None:
        text = base64.b64encode(content).decode()
        self._book.write({"what": "answer", "member": member, "name": name, "kind": kind, "content": text})
        if kind == acktrt.CODE:
            deposit = acktrt.read(etree.fromstring(content)).header.deposit
            assert deposit is not None
            self._tell({"acknowledged": f"{member} {deposit.digest}"})

    def _tell(self, told: Told) -> None:
        with self._out:
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


def _key(order: Order) -> str:
    return f"{order['profile']} {order['door']}"


def _run(command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=CLIENT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(str(error)) from error


DOORS: dict[str, Callable[[Witness, Profile, Order, bytes], bytes | None]] = {
    "https": Witness._by_https,
    "sftp": Witness._by_sftp,
    "curl": Witness._by_curl,
    "openssh": Witness._by_openssh,
}

if __name__ == "__main__":
    Witness(Writer(Path(sys.argv[1]))).run()
