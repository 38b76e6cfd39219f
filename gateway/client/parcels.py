"""Which files go together in one signed deposit, and how it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway import dta, names
from gateway.attachments import KINDS
from gateway.batch import MemberId
from gateway.client.doors import Hindered
from gateway.client.profile import Profile
from gateway.names import Extension, Office
from gateway.procedures import PROCEDURES
from signing.parse import parse
from signing.sign import Signer

_DTA = ".dta"
_WAIT = 5.0
"""Seconds until it is worth another look whether somebody has put a key or a clock right."""


class Ungrouped(ValueError):
    """A file of which it is not clear with which batch it goes; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch and what goes with it.

    Attributes:
        batch: its file.
        procedure: its code.
        attachments: the files that go with it.
    """

    batch: Path
    procedure: str
    attachments: Sequence[Path] = ()

    @property
    def is_container(self) -> bool:
        return bool(self.attachments) or self.batch.suffix.lower() == _DTA

    def name(self, sender: Profile, at: datetime) -> str:
        """Its name at the doors: an XML batch has one already."""
        if not self.is_container:
            return self.batch.name
        made = names.FileName(
            self.procedure,
            names.stamp(at),
            sender.member,
            incoming=True,
            extension=Extension.ASICE,
            office=Office.of(sender.environment),
        )
        return str(made)

    def stranger(self, member: MemberId) -> MemberId | None:
        """Who sends the batch by its first record, if that is another member; only a `.dta` is asked.

        Raises:
            OSError: the file cannot be read.
            ValueError: its first record names no sender.
        """
        if self.batch.suffix.lower() != _DTA:
            return None
        sender = dta.sender(self.batch.read_bytes())
        return None if sender == member else sender

    def sign(self, signer: Signer, at: datetime) -> bytes:
        """The signed bytes.

        Raises:
            OSError: a file cannot be read.
            Unreadable, ValueError: it cannot be signed.
        """
        if not self.is_container:
            return signer.sign(parse(self.batch.read_bytes()), at)
        is_dta = self.batch.suffix.lower() == _DTA
        batch_name = f"{self.procedure}{_DTA}" if is_dta else self.batch.name
        files = {batch_name: self.batch.read_bytes()}
        files.update((file.name, file.read_bytes()) for file in self.attachments)
        return signer.sign_container(files, at)


def procedure_of(file: Path) -> str | None:
    """The procedure of a batch by the name of its file: `DECSAL.dta`, `DECSAL-july.dta`, `SECU.DECSAL.….XML`.

    None for what is no batch; empty for an XML batch whose name does not tell.
    """
    if file.suffix.lower() == _DTA:
        code = file.name.split(".")[0].split("-")[0].upper()
        return code if code in {each.code for each in PROCEDURES} else None
    if file.suffix.lower() != ".xml":
        return None
    try:
        return names.parse(file.name).type
    except ValueError:
        return ""


def group(files: Sequence[Path]) -> list[Parcel]:
    """Batches, each with its attachments: a scan goes with the only DEMMAT given, an annex with the DEMDET.

    Raises:
        Ungrouped: a file is neither a batch nor an attachment of exactly one of them.
    """
    batches = [(file, code) for file in files if (code := procedure_of(file)) is not None]
    attached: dict[Path, list[Path]] = {file: [] for file, _ in batches}
    for file in files:
        if file not in attached:
            attached[_batch_for(file, batches)].append(file)
    return [Parcel(file, code, tuple(attached[file])) for file, code in batches]


def _batch_for(file: Path, batches: Sequence[tuple[Path, str]]) -> Path:
    kinds = [kind for kind in KINDS if kind.pattern.fullmatch(file.name)]
    procedures = {code for kind in kinds for code in (kind.procedure, *kind.within)}
    if not procedures:
        raise Ungrouped(f"{file.name} is named neither like a batch nor like a scan or an annex")
    found = [batch for batch, code in batches if code in procedures]
    if len(found) != 1:
        wanted = " or ".join(sorted(procedures))
        raise Ungrouped(f"{file.name} goes with one {wanted}; {len(found)} given")
    return found[0]


def check_dates(profile: Profile, signer: Signer, now: datetime) -> None:
    """Whether the certificate counts now.

    Raises:
        Hindered: it does not.
    """
    certificate = signer.certificate
    if now > certificate.not_valid_after_utc:
        raise Hindered(
            f"the certificate {profile.certificate.name} ended on {certificate.not_valid_after_utc:%Y-%m-%d}:"
            " have a new one registered and put it in its place (or set this machine's clock)",
            _WAIT,
        )
    if now < certificate.not_valid_before_utc:
        raise Hindered(
            f"the certificate {profile.certificate.name} counts from"
            f" {certificate.not_valid_before_utc:%Y-%m-%d} on, and this machine's clock says {now:%Y-%m-%d}:"
            " is it right?",
            _WAIT,
        )
