"""Triples FI, FS, GO and TD at the SFTP door, with OpenSSH's sftp and openssl as docs/containers.md says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from lxml import etree

from adapters import triples
from adapters.database.members import ALL
from adapters.triples import BatchUpload, Kind, NotTaken, Part, PartUpload, Triples, part_of
from gateway.agreement import Agreement
from gateway.batch import MemberId
from gateway.client.doors import Refused
from gateway.moments import Received
from inbox.receive import TooLarge
from signing import cms
from signing.container import open_container
from tests.doors.test_both_doors import OpenSsh
from tests.flow.premises import rows, someone
from tests.flow.test_openssl_containers import command
from tests.house import EMPLOYER, MEMBER, OTHER_MEMBER, House, Sender, wage, wait_for


@pytest.fixture(scope="module")
def agreed(open_home: House, visitor: Sender) -> Sender:
    """A member who sends triples."""
    open_home.gateway.members.agree(visitor.member, Agreement(ALL, triples=True), Received(open_home.clock()))
    return visitor


class Putter:
    """Puts files with OpenSSH's sftp."""

    def __init__(self, home: House, sender: Sender, folder: Path, suffix: str = ".DTA") -> None:
        self.home, self.sender, self.folder = home, sender, folder
        self.name = home.name("DECSAL", sender.member).removesuffix(".XML") + suffix
        self.sftp = OpenSsh(folder)
        for kind in ("GO", "TD"):
            (folder / f"{kind}.{self.name}").write_bytes(b"")

    def write(self, content: bytes) -> None:
        """The batch, and its signature with openssl."""
        (self.folder / f"FI.{self.name}").write_bytes(content)
        command("sign-triple", self.folder, self.sender, NAME=self.name)

    def put(self, *kinds: str) -> None:
        words = [f'put "{self.folder}/{kind}.{self.name}" /inbox/{kind}.{self.name}' for kind in kinds]
        self.sftp.run(self.sender, *words)

    def deposits(self) -> list[str]:
        stem = self.name.rpartition(".")[0]
        found = rows(self.home, "SELECT id FROM deposit WHERE name = :name", name=f"{stem}.ASICS")
        return [row["id"] for row in found]


@pytest.fixture
def putter(open_home: House, agreed: Sender, tmp_path: Path) -> Putter:
    return Putter(open_home, agreed, tmp_path)


def batch(home: House) -> bytes:
    matricule = someone()
    home.affiliate(matricule)
    line = f"1;{EMPLOYER};{matricule};202607;300000;160;0;0;0;0;0;0;0;;;;;;;\r\n"
    return f"0;{MEMBER.matricule};{MEMBER.number}\r\n{line}".encode()


def test_a_triple_is_one_deposit_from_its_go_on(open_home: House, putter: Putter) -> None:
    content = batch(open_home)
    putter.write(content)
    putter.put("FI", "FS")
    assert putter.deposits() == []
    putter.put("GO")  # in a connection of its own
    [deposit] = putter.deposits()
    outcome = open_home.outcome(putter.sender, deposit)
    assert (outcome.verdict, outcome.codes) == ("accepted", [])
    kept = open_home.gateway.spool.read(deposit)
    assert dict(open_container(kept).files) == {"DECSAL.dta": content}
    digest = etree.fromstring(outcome.answers["ACKREC"]).findtext("{*}Header/{*}Deposit/{*}Digest")
    assert digest == hashlib.sha256(kept).hexdigest()


def test_an_xml_batch_in_a_triple(open_home: House, agreed: Sender, tmp_path: Path) -> None:
    matricule = someone()
    open_home.affiliate(matricule)
    putter = Putter(open_home, agreed, tmp_path, ".XML")
    putter.write(etree.tostring(open_home.plain(agreed, "DECSAL", [wage(matricule)])))
    putter.put("FS", "FI", "GO")
    [deposit] = putter.deposits()
    assert open_home.outcome(agreed, deposit).verdict == "accepted"


def test_the_same_triple_again_is_the_same_deposit(open_home: House, putter: Putter) -> None:
    putter.write(batch(open_home))
    putter.put("FI", "FS", "GO")
    first = putter.deposits()
    putter.put("FI", "FS", "GO")
    assert putter.deposits() == first


def test_files_that_are_renamed_when_complete(open_home: House, putter: Putter) -> None:
    putter.write(batch(open_home))
    words = []
    for kind in ("FI", "FS", "GO"):
        file = f"{kind}.{putter.name}"
        words += [
            f'put "{putter.folder}/{file}" /inbox/{file}.part',
            f"rename /inbox/{file}.part /inbox/{file}",
        ]
    putter.sftp.run(putter.sender, *words)
    assert len(putter.deposits()) == 1


def test_a_signature_over_another_batch_is_broken(open_home: House, putter: Putter) -> None:
    content = batch(open_home)
    putter.write(content)
    (putter.folder / f"FI.{putter.name}").write_bytes(content.replace(b"300000", b"900000"))
    putter.put("FI", "FS", "GO")
    [deposit] = putter.deposits()
    assert open_home.outcome(putter.sender, deposit).codes == ["SIG-BROKEN"]


@pytest.mark.parametrize("before", [[], ["FI"], ["FS"]])
def test_a_go_without_batch_and_signature(open_home: House, putter: Putter, before: list[str]) -> None:
    putter.write(batch(open_home))
    if before:
        putter.put(*before)
    with pytest.raises(Refused):
        putter.put("GO")
    assert putter.deposits() == []
    putter.put("FI", "FS", "GO")
    assert len(putter.deposits()) == 1


def test_a_cancelled_triple_is_gone(open_home: House, putter: Putter) -> None:
    putter.write(batch(open_home))
    putter.put("FI", "FS", "TD")
    with pytest.raises(Refused):
        putter.put("GO")
    assert putter.deposits() == []


def test_what_was_released_is_not_cancelled(open_home: House, putter: Putter) -> None:
    putter.write(batch(open_home))
    putter.put("FI", "FS", "GO")
    with pytest.raises(Refused):
        putter.put("TD")
    assert len(putter.deposits()) == 1


def test_a_go_that_is_not_empty(open_home: House, putter: Putter) -> None:
    putter.write(batch(open_home))
    putter.put("FI", "FS")
    (putter.folder / f"GO.{putter.name}").write_bytes(b"go")
    with pytest.raises(Refused):
        putter.put("GO")
    assert putter.deposits() == []


def test_a_file_of_a_triple_keeps_its_name(open_home: House, putter: Putter) -> None:
    putter.write(batch(open_home))
    file = f"FI.{putter.name}"
    put = f'put "{putter.folder}/{file}" /inbox/'
    for begun, ended in (
        (f"{file}.part", "other.XML"),
        ("x.part", file),
        (f"{file}.part", f"FS.{putter.name}"),
    ):
        with pytest.raises(Refused):
            putter.sftp.run(putter.sender, put + begun, f"rename /inbox/{begun} /inbox/{ended}")
    with pytest.raises(Refused):
        putter.put("GO")


def test_a_name_that_is_none(putter: Putter) -> None:
    (putter.folder / "FI.anything").write_bytes(b"x")
    with pytest.raises(Refused):
        putter.sftp.run(putter.sender, f'put "{putter.folder}/FI.anything" /inbox/FI.anything')


def test_without_agreement_the_names_are_names(open_home: House, neighbour: Sender, tmp_path: Path) -> None:
    """Each is a deposit, refused for its name; and nobody releases what is another's."""
    (tmp_path / "FI.x").write_bytes(b"<a/>")
    OpenSsh(tmp_path).run(neighbour, f'put "{tmp_path}/FI.x" /inbox/FI.x')
    [row] = rows(open_home, "SELECT id FROM deposit WHERE name = 'FI.x'")
    wait_for(lambda: open_home.treated(neighbour, row["id"]))
    assert "FILE-NAME" in open_home.outcome(neighbour, row["id"]).codes


# what waits


NAME = f"SECU.DECSAL.20260803-09150012.{MEMBER}.CCSS.DTA"


class Kept:
    """An upload in memory."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.is_there = True

    def write(self, offset: int, chunk: bytes) -> None:
        assert offset == len(self.content)
        self.content += chunk

    def keep(self, *_: object) -> tuple[int, str]:
        return len(self.content), hashlib.sha256(self.content).hexdigest()

    def discard(self) -> None:
        self.is_there = False


class Desk:
    """Triples, and the uploads that were begun."""

    made: ClassVar[list[Desk]] = []

    def __init__(self, largest: int = 1_000) -> None:
        self.made.append(self)
        self.now = 0.0
        self.triples = Triples(lambda _: True, largest, tick=lambda: self.now)
        self.begun: list[Kept] = []

    def begin(self) -> Kept:
        self.begun.append(Kept())
        return self.begun[-1]

    def put(
        self, kind: Kind, content: bytes = b"", name: str = NAME, member: MemberId = MEMBER
    ) -> BatchUpload | None:
        part = self.triples.part(member, f"{kind}{name}")
        assert part is not None
        upload = self.triples.begin(part, self.begin)
        upload.write(0, content)
        return self.triples.take(member, upload)


@pytest.fixture(autouse=True)
def _put_away() -> Iterator[None]:
    yield
    while Desk.made:
        Desk.made.pop().triples.forget_all()


def other(number: int) -> str:
    return NAME.replace("09150012", f"091500{number:02d}")


def test_the_container_of_a_triple() -> None:
    desk = Desk()
    desk.put(Kind.BATCH, b"batch")
    desk.put(Kind.SIGNATURE, b"signature")
    released = desk.put(Kind.GO)
    assert released is not None
    opened = open_container(bytes(desk.begun[0].content))
    assert (dict(opened.files), opened.signatures) == ({"DECSAL.dta": b"batch"}, b"signature")
    with pytest.raises(NotTaken):
        desk.put(Kind.GO)


def test_limits_on_waiting_triples() -> None:
    desk = Desk()
    for number in range(triples.MOST):
        desk.put(Kind.SIGNATURE, b"x", other(number))
    with pytest.raises(NotTaken, match="too many"):
        desk.put(Kind.BATCH, b"x", other(triples.MOST))
    assert not desk.begun[-1].is_there
    desk.put(Kind.BATCH, b"x", other(0))  # one of those that wait
    desk.put(Kind.BATCH, b"x", member=OTHER_MEMBER)  # those of another do not count
    desk.put(Kind.CANCEL, b"", other(1))
    desk.put(Kind.BATCH, b"x", other(triples.MOST))


def test_limits_on_waiting_bytes() -> None:
    desk = Desk(largest=1_000)
    desk.put(Kind.BATCH, bytes(1_000), other(1))
    with pytest.raises(NotTaken, match="too many"):
        desk.put(Kind.BATCH, bytes(1_001), other(2))
    desk.put(Kind.BATCH, bytes(1_000), other(2))
    desk.put(Kind.BATCH, bytes(500), other(2))  # in the place of the one before
    assert [one.is_there for one in desk.begun] == [True, False, False, True]


def test_limits_on_the_age_of_waiting_triples() -> None:
    desk = Desk()
    desk.put(Kind.BATCH, b"batch")
    desk.put(Kind.SIGNATURE, b"signature")
    desk.now = triples.KEPT_SECONDS - 1
    desk.triples.forget_old()
    assert desk.begun[0].is_there
    desk.now += 1
    desk.triples.forget_old()
    assert not desk.begun[0].is_there
    with pytest.raises(NotTaken):
        desk.put(Kind.GO)


def test_a_stop_forgets_what_waits() -> None:
    desk = Desk()
    desk.put(Kind.BATCH, b"batch")
    desk.triples.forget_all()
    assert not desk.begun[0].is_there


def test_nobody_releases_or_cancels_what_is_anothers() -> None:
    desk = Desk()
    desk.put(Kind.BATCH, b"batch")
    desk.put(Kind.SIGNATURE, b"signature")
    for kind in (Kind.GO, Kind.CANCEL):
        with pytest.raises(NotTaken):
            desk.put(kind, member=OTHER_MEMBER)
    assert desk.put(Kind.GO) is not None


def test_bytes_out_of_order_are_not_taken() -> None:
    upload = desk_upload(Kind.BATCH)
    upload.write(0, b"abc")
    for offset in (0, 2, 4):
        with pytest.raises(NotTaken):
            upload.write(offset, b"x")
    upload.discard()
    upload.discard()  # as a door may


def test_limits_on_a_signature() -> None:
    upload = desk_upload(Kind.SIGNATURE)
    upload.write(0, bytes(cms.LARGEST))
    with pytest.raises(TooLarge):
        upload.write(cms.LARGEST, b"x")


def desk_upload(kind: Kind) -> PartUpload:
    part = part_of(f"{kind}{NAME}")
    assert part is not None
    return Triples(lambda _: True, 1_000).begin(part, Kept)


@pytest.mark.parametrize(
    "name", ["FI.", "FI.x", f"FI.{NAME}.part", f"FI.FS.{NAME}", f"FI.{NAME}"[:-4], f"GO.{NAME[:-4]}.ASICE"]
)
def test_names_that_begin_like_a_triple(name: str) -> None:
    with pytest.raises(NotTaken):
        part_of(name)


def test_the_names_of_a_triple() -> None:
    stem = NAME.removesuffix(".DTA")
    assert part_of(f"FI.{NAME}") == Part(Kind.BATCH, NAME, f"{stem}.ASICS", "DECSAL.dta")
    assert part_of(f"FS.{stem}.XML") == Part(Kind.SIGNATURE, f"{stem}.XML", f"{stem}.ASICS", f"{stem}.XML")
    assert part_of(f"{stem}.XML") is None
    outgoing = stem.replace(f"{MEMBER}.CCSS", f"CCSS.{MEMBER}")
    with pytest.raises(NotTaken):
        part_of(f"FI.{outgoing}.XML")
