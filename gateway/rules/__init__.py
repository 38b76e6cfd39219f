"""The rule pack: forms, codes and parameters in one signed file, with an index to compare two packs by.

A pack is a container (ASiC-E) with one signature over all its files. These are the files of this program as
they stand, so that the same rules make the same bytes; the signature alone differs. Rules are called by the
digest over names and digests of these files, whoever signs them and under whatever version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import yaml
from cryptography import x509

import xsd
from gateway import parameters, procedures, rejections
from gateway.rejections import REJECTIONS
from signing.container import Limits
from signing.verify import verify_sealed_container
from xsd import catalogue

INDEX = "index.json"
VERSION = "version.txt"
_FORMS = Path(xsd.__file__).parent
_SHORT = 12


class Signs(Protocol):
    """What signs a pack: `signing.sign.Signer`, or the seal of a gateway."""

    def sign_container(self, files: Mapping[str, bytes], at: datetime) -> bytes:
        """As `Signer.sign_container`."""


class NotAPack(Exception):
    """A file bears a good seal and is no pack of rules; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules as they were published.

    Attributes:
        version: under which they were.
        files: bytes by name, with the index.
    """

    version: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """By which the rules are called."""
        return digest_of(self.files)

    @property
    def index(self) -> Mapping[str, Any]:
        """What stands in it, to be compared."""
        return dict(json.loads(self.files[INDEX]))


@cache
def files() -> Mapping[str, bytes]:
    """The rules of this program: bytes by name, in the order of the names."""
    found = dict(_sources())
    found[INDEX] = json.dumps(_index(), indent=1, sort_keys=True, ensure_ascii=False).encode()
    return MappingProxyType(dict(sorted(found.items())))


def digest_of(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over names and digests of files, in the order of their names."""
    lines = (f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def digest() -> str:
    """By which the rules of this program are called."""
    return digest_of(files())


def short(full: str) -> str:
    """The first digits of a digest, for people."""
    return full[:_SHORT]


def publish(version: str, signer: Signs, at: datetime) -> bytes:
    """The rules of this program as one signed file."""
    return signer.sign_container({**files(), VERSION: version.encode()}, at)


def read(raw: bytes, seals: Collection[x509.Certificate]) -> Pack:
    """A pack whose signature is good.

    Raises:
        BadContainer, Unreadable, BadSignature, ForeignSeal: it is not.
        NotAPack: it is something else that was sealed.
    """
    found = dict(verify_sealed_container(raw, seals, Limits(files=500)).files)
    version = found.pop(VERSION, None)
    if version is None or INDEX not in found:
        raise NotAPack("there are no rules in it")
    return Pack(version.decode(errors="replace"), found)


def _sources() -> Iterator[tuple[str, bytes]]:
    """The files of this program that say what the rules are."""
    yield "forms.catalogue.yaml", (_FORMS / "catalogue.yaml").read_bytes()
    for file in _FORMS.glob("*/*.xsd"):
        yield f"forms.{file.parent.name}.{file.name}", file.read_bytes()
    for room, name in ((rejections, "codes"), (parameters, "parameters")):
        for file in Path(str(room.__file__)).parent.glob("*.yaml"):
            yield f"{name}.{file.name}", file.read_bytes()


def _index() -> Mapping[str, Any]:
    """What the files say, in a form that two packs can be compared by."""
    return {"forms": dict(_forms()), "codes": dict(_codes()), "parameters": dict(_parameters())}


def _forms() -> Iterator[tuple[str, Any]]:
    for entry in catalogue().entries.values():
        for number, version in entry.versions.items():
            if entry.direction == "envelope":
                fields: dict[str, Any] = {}
            else:
                form = catalogue().form(entry.code, number, version.first)
                fields = {
                    one.name: {"type": one.type_name, "required": one.required, "meaning": one.documentation}
                    for one in form.fields
                }
            yield (
                f"{entry.code} {number}",
                {
                    "direction": entry.direction,
                    "from": _day(version.first),
                    "until": _day(version.last),
                    "fields": fields,
                },
            )


def _codes() -> Iterator[tuple[str, Any]]:
    for one in REJECTIONS.values():
        yield (
            one.key,
            {
                "level": one.level,
                "severity": one.severity,
                "since": _day(one.since),
                "until": _day(one.until),
                "text": dict(one.texts),
                "remedy": dict(one.remedies),
                "for": _senders_of(one.key),
            },
        )


def _senders_of(code: str) -> list[str]:
    own = [one.code for one in procedures.PROCEDURES if code.startswith(f"{one.form.refused_in}-")]
    return own or ["every procedure"]


def _parameters() -> Iterator[tuple[str, Any]]:
    for file in sorted(Path(str(parameters.__file__)).parent.glob("*.yaml")):
        if file.name != "sources.yaml":
            yield from _values(yaml.safe_load(file.read_text()), file.stem)


def _values(node: object, place: str) -> Iterator[tuple[str, Any]]:
    """Every value by its place, with the days from which each counts."""
    if not isinstance(node, dict):
        return
    if isinstance(node.get("values"), dict):
        yield (
            place,
            {
                "description": str(node.get("description", "")),
                "payer": str(node.get("payer", "")),
                "values": {str(day): _value(one) for day, one in node["values"].items()},
            },
        )
        return
    for name, inner in node.items():
        yield from _values(inner, f"{place}.{name}")


def _value(one: object) -> str:
    value = one.get("value", one) if isinstance(one, dict) else one
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
