"""Every vector of containers through both live doors (SR-1, SR-3, SR-7): its code, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from adapters.pki import KeyKind, Subject, new_key
from gateway.client import https, sftp
from gateway.names import Extension
from signing.container import MIMETYPE
from tests.flow.premises import registered, rows, someone
from tests.house import EMPLOYER, MEMBER, House, Sender, profile
from tests.vectors.containers.building import Hand
from tests.vectors.containers.hostile import GOOD, HOSTILE, Scene, Vector

Put = Callable[[str, bytes], object]


@contextmanager
def over_https(sender: Sender) -> Iterator[Put]:
    with https.enter(profile(sender)) as door:
        yield door.deposit


@contextmanager
def over_sftp(sender: Sender) -> Iterator[Put]:
    with sftp.enter(profile(sender)) as door:
        yield door.deposit


DOORS = {"https": over_https, "sftp": over_sftp}


@pytest.fixture(scope="module")
def scene(open_home: House, visitor: Sender, neighbour: Sender) -> Scene:
    now, key = open_home.clock(), new_key(KeyKind.P256)
    known = open_home.authority.issue(
        Subject("nobody's", serial_number=str(MEMBER)), key.public_key(), now, now.replace(year=now.year + 1)
    )
    return Scene(hand(visitor), hand(neighbour), Hand(key, known), b"")


def hand(sender: Sender) -> Hand:
    return Hand(sender.signer.key, sender.signer.certificate)


def batch(home: House) -> bytes:
    matricule = someone()
    home.affiliate(matricule)
    line = f"1;{EMPLOYER};{matricule};202607;300000;160;0;0;0;0;0;0;0;;;;;;;\r\n"
    return f"0;{MEMBER.matricule};{MEMBER.number}\r\n{line}".encode()


def told(
    home: House, sender: Sender, scene: Scene, door: str, vectors: Mapping[str, Vector]
) -> dict[str, list[str]]:
    """The codes of what becomes of each vector. The same bytes again are the same deposit."""
    sent: dict[str, str] = {}
    with DOORS[door](sender) as put:
        for vector, make in vectors.items():
            content = make(scene)
            extension = Extension.ASICE if MIMETYPE.encode() in content[:200] else Extension.ASICS
            sent[vector] = hashlib.sha256(content).hexdigest()
            put(home.name("DECSAL", MEMBER, extension), content)
    found = {row["digest"]: row["id"] for row in rows(home, "SELECT digest, id FROM deposit")}
    return {vector: home.outcome(sender, found[digest]).codes for vector, digest in sent.items()}


@pytest.mark.parametrize("door", DOORS)
def test_containers_with_one_defect_are_refused_with_the_code_that_is_due(
    open_home: House, visitor: Sender, scene: Scene, door: str
) -> None:
    scene = replace(scene, batch=batch(open_home))
    before = registered(open_home)
    vectors = {name: make for name, (_, make) in HOSTILE.items()}
    due = {name: [code] for name, (code, _) in HOSTILE.items()}
    assert told(open_home, visitor, scene, door, vectors) == due
    assert registered(open_home) == before


@pytest.mark.parametrize("door", DOORS)
def test_control_good_containers_are_accepted(
    open_home: House, visitor: Sender, scene: Scene, door: str
) -> None:
    for name, make in GOOD.items():
        whose = replace(scene, batch=batch(open_home))
        assert told(open_home, visitor, whose, door, {name: make}) == {name: []}
