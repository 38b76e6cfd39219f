"""Making batches: payroll output becomes XML, and gets the member's signature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from lxml import etree

from gateway import dta, names, wire
from gateway.batch import Header
from gateway.client.drop.places import keep
from gateway.client.parcels import check_dates, group
from gateway.client.profile import Profile
from gateway.client.results import Converted, Misused, Signed
from gateway.moments import Received, system_clock
from gateway.procedures import PROCEDURES, procedure
from signing.parse import Unreadable
from signing.sign import Signer
from xsd import catalogue

TAKEN = tuple(one.code for one in PROCEDURES if not dta.is_xml_only(one.code))
"""Procedures that have a `.dta` layout."""

_APART = timedelta(milliseconds=10)
"""A name never repeats: its stamp counts hundredths."""


def convert(
    files: Sequence[Path],
    out: Path,
    *,
    procedure: str = "",
    environment: str = "test",
    software: str | None = None,
) -> list[Converted]:
    """Turn `.dta` files into unsigned XML batches.

    Args:
        out: folder for them; they are named after the operator's pattern.
        procedure: its code; without it the names of the files tell it (`DECSAL.dta`, `DECSAL-july.dta`).
        environment: `production` or `test`.
        software: name and version of the payroll program; our own without it.

    Raises:
        Misused: the procedure, or the name of the software, is none.
        ValueError: a file cannot be read as one of that procedure.
        OSError: a file cannot be read or written.
    """
    return list(converting(files, out, procedure=procedure, environment=environment, software=software))


def converting(
    files: Sequence[Path], out: Path, *, procedure: str, environment: str, software: str | None
) -> Iterator[Converted]:
    """See `convert`: one after the other."""
    now = system_clock()
    software = f"Secugate {version('secugate')}" if software is None else software
    for place, file in enumerate(files):
        code = procedure or file.name.split(".")[0].split("-")[0].upper()
        if code not in TAKEN and not dta.is_xml_only(code):
            raise Misused(
                f"{file}: {code} is no procedure; call it after one, such as DECSAL.dta, or name one"
            )
        yield _converted(file, out, code, environment, software, now + place * _APART)


def _converted(file: Path, out: Path, code: str, environment: str, software: str, at: datetime) -> Converted:
    form = catalogue().form(code, "1.0", Received(at).day)
    try:
        content = dta.read(file.read_bytes(), form)
    except dta.UnreadableError as fault:
        raise ValueError(f"{file}: {fault}") from fault
    header = Header(code, form.version, content.member, wire.OPERATOR, environment, at, software)
    root = wire.write_batch(header, procedure(code).record, content.records)
    if any(fault.field == "Software" for fault in form.check(root).faults):
        raise Misused(
            "the name of the software (--software) is 1 to 60 printable characters on one line, not"
            f" {software!r}"
        )
    office = names.Office.of(environment)
    target = out / str(names.FileName(code, names.stamp(at), content.member, incoming=True, office=office))
    keep(target, etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
    return Converted(file, target, len(content.records))


def sign(files: Sequence[Path], profile: Profile, out: Path) -> list[Signed]:
    """Sign batches with the member's key; scans and annexes go with their batch.

    An .XML batch gets its signature inside and keeps its name. A .dta batch, and one with CARTID scans or
    annexes, goes into a container with one signature over all of it, named after the operator's pattern.

    Args:
        out: folder for what is to be sent.

    Raises:
        UnusableKey: the key is not one that we sign with.
        NotNow: the certificate does not count now, or this machine's clock is wrong.
        Ungrouped: it is not clear with which batch a file goes.
        ValueError: a file cannot be signed, or is of another member.
        OSError: a file cannot be read or written.
    """
    return list(signing(files, profile, out))


def signing(files: Sequence[Path], profile: Profile, out: Path) -> Iterator[Signed]:
    """See `sign`: one after the other."""
    signer = Signer.load(profile.key, profile.certificate)
    now = system_clock()
    check_dates(profile, signer, now)
    for place, parcel in enumerate(group(files)):
        try:
            other = parcel.stranger(profile.member)
            if other is not None:
                raise ValueError(f"it is of member {other}; it has to be signed by that member")
            target = out / parcel.name(profile, now + place * _APART)
            keep(target, parcel.sign(signer, now))
        except (Unreadable, ValueError) as fault:
            raise ValueError(f"{parcel.batch}: {fault}") from fault
        yield Signed(parcel.batch, tuple(parcel.attachments), target)
