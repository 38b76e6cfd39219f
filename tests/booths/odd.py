"""Booths as an attacker would have them who found a hole in a library: each does one thing it must not.

Run as a script; the name of the deposit says which.
"""

from __future__ import annotations

import ctypes
import os
import socket
import time
from collections.abc import Callable
from typing import cast

from adapters.booth import process, words


def spins(_: socket.socket, told: words.Words) -> bool:
    """As an examination does that a document sends round and round."""
    process.spare(words.number(told["seconds"]))
    while True:
        pass


def spins_on(_: socket.socket, told: words.Words) -> bool:
    """And does not mind limits of its own."""
    while True:
        pass


def hoards(_: socket.socket, told: words.Words) -> bool:
    return bool(bytearray(1 << 32))


def crashes(_: socket.socket, told: words.Words) -> bool:
    return bool(ctypes.string_at(0))


def sleeps(_: socket.socket, told: words.Words) -> bool:
    time.sleep(3600)
    return False


def dribbles(line: socket.socket, told: words.Words) -> bool:
    """One byte at a time, of an answer that never comes."""
    line.sendall((1 << 20).to_bytes(4, "big"))
    while True:
        line.sendall(b" ")
        time.sleep(0.05)


def ends(_: socket.socket, told: words.Words) -> bool:
    return False


def says_junk(line: socket.socket, told: words.Words) -> bool:
    line.sendall(b"\0\0\0\4junk")
    return True


def says_too_much(line: socket.socket, told: words.Words) -> bool:
    line.sendall(b"\xff\xff\xff\xff")
    return True


def asks_for_what_is_not_there(line: socket.socket, told: words.Words) -> bool:
    words.send(line, {"ask": "key"})
    return True


def says_a_batch_of_somebody_else(line: socket.socket, told: words.Words) -> bool:
    return _batch(line, "2099990002099", "000002")


def says_a_batch_that_nobody_signed(line: socket.socket, told: words.Words) -> bool:
    return _batch(line, "2099990001299", "000001")


def _batch(line: socket.socket, matricule: str, number: str) -> bool:
    batch = {
        "header": [
            "DECSAL",
            "1.0",
            matricule,
            number,
            "CCSS",
            "test",
            "2026-08-03T09:15:00+00:00",
            None,
            None,
        ],
        "records": [[1, 1, {"Insured": "1893120105732"}]],
        "malformed": [],
        "anomalies": [],
        "attachments": [],
        "parts": [],
    }
    words.send(line, {"batch": batch})
    return True


_TRIED = {
    "opens": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "writes": lambda: os.open("/tmp/secugate-odd", os.O_CREAT | os.O_WRONLY),
    "connects": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "listens": socket.socketpair,
    "asks_a_name": lambda: socket.getaddrinfo("example.org", 443),
    "pipes": os.pipe,
}


def tries(line: socket.socket, what: str) -> bool:
    """Does something, and refuses the deposit with what came of it."""
    try:
        _TRIED[what]()
        came = "done"
    except OSError as error:
        came = type(error).__name__
    words.send(line, {"rejected": [["FILE-NOT-XML", None, None, None, None, came]]})
    return True


def examine(line: socket.socket) -> bool:
    """Does what the deposit is called."""
    told = words.receive(line, words.SHORT)
    if told is None or words.receive_bytes(line, words.LONG) is None:
        return False
    name = words.text(cast(words.Words, told["deposit"])["name"])
    if name in _TRIED:
        return tries(line, name)
    return cast("Callable[[socket.socket, words.Words], bool]", globals()[name])(line, told)


if __name__ == "__main__":
    process.main(examine)
