"""What a draft holds: the records of a batch to be, and why some of them were refused before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from lxml import etree

from adapters.pages.forms import Fields
from gateway import wire
from gateway.batch import Anomaly, Header, MemberId
from gateway.fixpack import FixPack
from gateway.moments import Received
from gateway.procedures import procedure
from gateway.rejections import REJECTIONS, Rejection, known_or_gone
from xsd import Form, catalogue

MOST_RECORDS = 100
LONGEST_TEXT = 200
SOFTWARE = "Secugate portal"
_AMOUNT = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,2}))?")
_NAME = re.compile(r"r([0-9]{1,4})\.([A-Za-z]{1,40})")


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that is being written.

    Attributes:
        fields: text by element name, empty ones left out.
        refused: for what it was refused before: field, empty for none in particular, and key of the code.
        number: of the record in the file that was sent before; 0 for a new one.
    """

    fields: Mapping[str, str]
    refused: tuple[tuple[str, str], ...] = ()
    number: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A batch that is being written.

    Attributes:
        procedure: its code.
        entries: its records.
        corrects: id of the deposit whose refused records these are; empty for a new batch.
    """

    procedure: str
    entries: tuple[Entry, ...]
    corrects: str = ""

    def write(self) -> bytes:
        """As it is kept."""
        entries = [
            {"fields": dict(one.fields), "refused": one.refused, "number": one.number} for one in self.entries
        ]
        kept = {"procedure": self.procedure, "entries": entries, "corrects": self.corrects}
        return json.dumps(kept, ensure_ascii=False).encode()

    @classmethod
    def read(cls, kept: bytes) -> Draft:
        """From how it is kept."""
        found = json.loads(kept)
        entries = tuple(
            Entry(one["fields"], tuple((field, key) for field, key in one["refused"]), one["number"])
            for one in found["entries"]
        )
        return cls(found["procedure"], entries, found["corrects"])

    def filled(self, fields: Fields, day: date) -> Draft:
        """With what a form says: fields are called `r<place>.<name>`; `r<place>.remove` leaves one out."""
        given: dict[int, dict[str, str]] = {}
        known = {one.name: one.type_name for one in form_of(self.procedure, day).fields}
        removed = set()
        for name, value in fields.pairs:
            match = _NAME.fullmatch(name)
            if match is None:
                continue
            place, field = int(match[1]), match[2]
            if field == "remove":
                removed.add(place)
            elif field in known:
                given.setdefault(place, {})[field] = tidy(value, known[field])
        entries = []
        for place in sorted(given)[:MOST_RECORDS]:
            old = self.entries[place] if place < len(self.entries) else Entry({})
            texts = {name: text for name in known if (text := given[place].get(name, ""))}
            if place not in removed:
                entries.append(replace(old, fields=texts))
        return replace(self, entries=tuple(entries))

    def batch(self, member: MemberId, environment: str, reference: str, at: datetime) -> etree._Element:
        """The batch, without signature."""
        version = form_of(self.procedure, Received(at).day).version
        header = Header(self.procedure, version, member, wire.OPERATOR, environment, at, SOFTWARE, reference)
        records = (one.fields for one in self.entries)
        return wire.write_batch(header, procedure(self.procedure).record, records)


def form_of(code: str, day: date) -> Form:
    """The newest form of a procedure that is in force on a day."""
    versions = catalogue().entries[code].versions.values()
    return catalogue().form(code, max(one.number for one in versions if one.covers(day)), day)


def tidy(text: str, type_name: str) -> str:
    """What somebody typed, as the forms spell it where there is no doubt what is meant."""
    text = text.strip()[:LONGEST_TEXT]
    amount = _AMOUNT.fullmatch(text.replace("\u202f", "").replace("\xa0", "").replace(" ", ""))
    if type_name in ("Amount", "WeeklyHours") and amount is not None:
        return f"{amount[1]}.{(amount[2] or '').ljust(2, '0')}"
    return text.replace(" ", "") if type_name == "Matricule" else text


def of_pack(pack: FixPack, corrects: str, found: Iterable[Anomaly]) -> Draft:
    """The refused records of a return, to be corrected.

    Args:
        corrects: id of the deposit.
        found: what the acknowledgement says; it names the fields.
    """
    told: dict[int, list[tuple[str, str]]] = {}
    for anomaly in found:
        told.setdefault(anomaly.record or 0, []).append((anomaly.field or "", anomaly.code))
    entries = []
    for one in pack.records[:MOST_RECORDS]:
        keys = _keys(pack.source, one.codes)
        named = [(field, key) for field, key in told.get(one.record, []) if key in keys]
        refused = dict.fromkeys(
            [*named, *(("", key) for key in keys if key not in {each for _, each in named})]
        )
        fields = {name: text for name, text in one.fields.items() if text}
        entries.append(Entry(fields, tuple(refused), one.record))
    return Draft(pack.procedure.code, tuple(entries), corrects)


def _keys(source: str, codes: Sequence[str]) -> Sequence[str]:
    """The keys of codes as a return writes them: the operator's numbers, or keys."""
    numbered = ((f"{source}-{code}", code) for code in codes)
    return [
        long if long in REJECTIONS else code for long, code in numbered if {long, code} & REJECTIONS.keys()
    ]


def complaints(refused: Iterable[tuple[str, str]]) -> Mapping[str, Sequence[Rejection]]:
    """Why a record was refused, by field; an empty name for what concerns no field in particular."""
    told: dict[str, list[Rejection]] = {}
    for field, key in refused:
        told.setdefault(field, []).append(known_or_gone(key))
    return told
