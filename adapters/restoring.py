"""A gateway made anew from a backup: every digest first, then into an empty folder, then looked over."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

from cryptography import x509
from lxml import etree

from adapters.backup import (
    CHUNK,
    DATABASE,
    DUMP,
    INSIDE,
    LIST,
    MANIFEST,
    Listed,
    Manifest,
    Part,
    Progress,
    backups,
    digest_of,
    listed,
    place_of,
    private,
)
from adapters.database import Database
from adapters.database.dialects import UnsafeDatabase
from adapters.database.journal import append
from adapters.durable import sync, sync_folder
from adapters.encryption import MasterKey, UnusableMasterKey
from adapters.premises import Premises, database_of, spool_of, witness_of
from adapters.settings import Settings
from adapters.spool import Spool
from adapters.verification import inspect
from adapters.witness import Older, Unwitnessed
from gateway.moments import Received
from signing.certificates import load_seals
from signing.container import BadContainer
from signing.parse import Unreadable
from signing.profile import BadSignature
from signing.verify import ForeignSeal, verify_sealed_container

RESTORED = "restored"
"""The event in the journal of a gateway that was made from a backup."""
_UNSEALED = (
    OSError,
    Unreadable,
    BadContainer,
    BadSignature,
    ForeignSeal,
    etree.LxmlError,
    KeyError,
    ValueError,
)


class Broken(Exception):
    """A backup that is not whole; its text names the file."""

    def __init__(self, file: Path, fault: str) -> None:
        super().__init__(f"{file}: {fault}")
        self.file = file


class NotRestored(Exception):
    """Nothing was restored; its text says why."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup whose every digest was found right.

    Attributes:
        target, folder: as in `adapters.backup`.
        bytes: of all of it.
    """

    target: Path
    folder: Path
    manifest: Manifest
    bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """What became of it.

    Attributes:
        deposits: whose files were put into the store.
        absent: deposits that the database knows and the backup has no file of.
        findings: of the verification; empty when all is as it was entered.
        lost: how many entries of the journal a witness knows that the backup does not hold; None when no
            witness was left to ask.
    """

    deposits: int
    absent: int
    findings: tuple[str, ...]
    lost: int | None


def choose(target: Path, name: str) -> Path:
    """A backup of a target: the one of a name, or the newest.

    Raises:
        NotRestored: there is none.
    """
    found = {one.name: one for one in backups(target)}
    if not found:
        raise NotRestored(f"{target} holds no finished backup")
    if name and name not in found:
        raise NotRestored(f"{target} holds no backup {name}; there are {', '.join(found)}")
    return found[name] if name else found[max(found)]


def check(target: Path, folder: Path, seals: Collection[x509.Certificate], progress: Progress) -> Checked:
    """Check that a backup is whole and bears a seal, every byte of it.

    Args:
        seals: the gateway's certificates as somebody keeps them elsewhere; those in the backup prove only
        that
            it was not damaged.

    Raises:
        Broken: it is not.
    """
    manifest, size = _sealed(folder / MANIFEST, seals), 0
    for part in manifest.parts:
        _check_name(folder / MANIFEST, part.name)
        _check_file(folder / part.name, part.size, part.digest)
        size += part.size
    named = {part.name for part in manifest.parts}
    if LIST not in named or len({DATABASE, DUMP} & named) != 1:
        raise Broken(folder / MANIFEST, "it names no database, or no list")
    count = 0
    for count, line in enumerate(_lines(folder), 1):
        _check_file(place_of(target, line.deposit), line.size, line.digest)
        size += line.size
        progress("deposits", count, manifest.deposits)
    if count != manifest.deposits:
        raise Broken(folder / LIST, f"it names {count} deposits instead of {manifest.deposits}")
    return Checked(target, folder, manifest, size)


def _sealed(file: Path, seals: Collection[x509.Certificate]) -> Manifest:
    try:
        return Manifest.read(verify_sealed_container(file.read_bytes(), seals).files[INSIDE])
    except _UNSEALED as error:
        raise Broken(file, f"it does not bear the gateway's seal ({type(error).__name__})") from None


def _check_name(manifest: Path, name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Broken(manifest, f"it names {name}, which is outside")


def _lines(folder: Path) -> list[Listed]:
    try:
        return list(listed(folder))
    except ValueError:
        raise Broken(folder / LIST, "it is not spelt as it should be") from None


def _check_file(file: Path, size: int, digest: str) -> None:
    if not file.is_file():
        raise Broken(file, "it is missing")
    found, read = digest_of(file)
    if found < size:
        raise Broken(file, f"it was cut: {found} bytes instead of {size}")
    if (found, read) != (size, digest):
        raise Broken(file, "it was changed, or is of another backup")


def restore(checked: Checked, settings: Settings, now: Received, progress: Progress) -> Report:
    """Make a gateway from a backup, in a folder that is empty or not there yet, and on a server in an empty
    database.

    Args:
        settings: name the folder, the master key where it was not in the backup, and the store.

    Raises:
        NotRestored: folder or database are not empty, the master key does not fit, or the tools of the
            database server cannot be used.
        Broken: a file was changed since it was checked.
    """
    premises = Premises(settings.data)
    if premises.folder.exists() and any(premises.folder.iterdir()):
        raise NotRestored(f"{premises.folder} is not empty, and nothing is ever written over")
    parts = {part.name: part for part in checked.manifest.parts if part.name != LIST}
    register = parts.pop(DUMP if settings.database else DATABASE, None)
    if register is None:
        raise NotRestored(_OTHER_KIND[bool(settings.database)])
    _check_master(checked, settings)
    private(premises.folder)
    for part in parts.values():
        _put_part(checked.folder, part, premises.folder)
    for folder in (premises.keys, premises.anchors, premises.revocations, premises.seals):
        private(folder)
    with closing(database_of(settings)) as database:
        spool = spool_of(settings, database)
        spool.create()
        count = _put_deposits(checked, spool, progress)
        # Last: what was cut off before is no gateway yet, and nobody opens it.
        _put_register(checked.folder, register, premises.folder, database)
        with database.write() as connection:
            (known,) = connection.exec_driver_sql("SELECT count(*) FROM deposit").one()
            # The manifest's own digest: which backup it was can be shown later.
            digest = digest_of(checked.folder / MANIFEST)[1]
            append(connection, at=now, event=RESTORED, subject=checked.manifest.made, digest=digest)
        lost = _witness(settings, database)
        findings = inspect(database, spool, load_seals(premises.seals)).findings
    return Report(count, known - count, findings, lost)


_OTHER_KIND = (
    "the backup is of a database on a server: name an empty one in SECUGATE_DATABASE",
    "the backup is of a database in a file: it is restored without SECUGATE_DATABASE",
)


def _put_register(source: Path, part: Part, folder: Path, database: Database) -> None:
    if not database.is_shared:
        _put_part(source, part, folder)
        return
    dumping = import_module("adapters.dumping")
    try:
        dumping.refill(database, source / part.name)
    except (UnsafeDatabase, dumping.NotDumped) as error:
        raise NotRestored(str(error)) from None


def _check_master(checked: Checked, settings: Settings) -> None:
    named = {part.name for part in checked.manifest.parts}
    inside = str(Premises(Path()).master_key)
    if settings.master_key is None and inside not in named:
        raise NotRestored(
            "the backup has no master key, and nothing can be read without it:"
            " name its file in SECUGATE_MASTER_KEY"
        )
    try:
        MasterKey(settings.master_key or checked.folder / inside).check()
    except UnusableMasterKey as error:
        raise NotRestored(str(error)) from None


def _put_part(source: Path, part: Part, folder: Path) -> None:
    """Copy a file of the backup to its place, durably and as it was checked."""
    place = folder / part.name
    private(place.parent)
    place.touch(mode=0o600)
    with (source / part.name).open("rb") as content, place.open("wb") as out:
        shutil.copyfileobj(content, out)
        out.flush()
        sync(out.fileno())
    sync_folder(place.parent)
    _check_file(place, part.size, part.digest)


def _put_deposits(checked: Checked, spool: Spool, progress: Progress) -> int:
    count = 0
    for count, line in enumerate(_lines(checked.folder), 1):
        _put_deposit(place_of(checked.target, line.deposit), line, spool)
        progress("deposits", count, checked.manifest.deposits)
    return count


def _put_deposit(source: Path, line: Listed, spool: Spool) -> None:
    arriving, digest = spool.incoming / line.deposit, hashlib.sha256()
    arriving.touch(mode=0o600)
    with source.open("rb") as content, arriving.open("wb") as out:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        if digest.hexdigest() != line.digest:
            raise Broken(source, "it was changed since it was checked")
        spool.store.put(line.deposit, arriving, out.fileno())


def _witness(settings: Settings, database: Database) -> int | None:
    """Begin the witness in the new folder; a second one that is there stays, and is asked what it knows."""
    witness = witness_of(settings, database)
    first, *others = witness.files
    first.begin(witness.head())
    for other in others:
        if not other.file.exists():
            other.begin(witness.head())
    try:
        witness.check()
    except Older as older:
        return older.promised.sequence - older.size
    except Unwitnessed:
        return None
    return 0 if others else None
