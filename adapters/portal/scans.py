"""Scans and annexes of records that are written at the portal: which ones go with a draft, and their names.

They are given when the draft is checked, and not kept with it: what identifies a person lies here only signed
and sealed, as a part of the file that is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.portal.drafts import Draft
from gateway import names
from gateway.attachments import KINDS
from gateway.batch import MemberId
from gateway.names import Office
from gateway.procedures.judgement import calendar_day

ACCEPTED: Mapping[str, str] = {"CARTID": ".jpg,.jpeg", "RHIN": ".pdf", "EXPL": ".pdf"}
"""How the files of each kind end."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a file can be given for a record.

    Attributes:
        record: place in the draft, from 1.
        kind: such as `CARTID`.
        about: whom or what the record is about, as it is written there.
        name: under which the file goes; empty while the record does not tell it.
    """

    record: int
    kind: str
    about: str
    name: str

    @property
    def field(self) -> str:
        """Of the form."""
        return f"{self.kind}-{self.record}"


def needed(procedure: str) -> Sequence[str]:
    """The kinds of files that may go with each record of a procedure."""
    return [one.code for one in KINDS if one.procedure == procedure]


def slots(draft: Draft, member: MemberId, environment: str, at: datetime) -> Sequence[Slot]:
    """What may be given with a draft."""
    return list(_slots(draft, member, environment, at))


def _slots(draft: Draft, member: MemberId, environment: str, at: datetime) -> Iterator[Slot]:
    born_that_day: Counter[str] = Counter()
    for record, entry in enumerate(draft.entries, 1):
        fields = entry.fields
        for kind in needed(draft.procedure):
            if kind == "CARTID":
                about = " ".join(filter(None, (fields.get("FirstName"), fields.get("Surname"))))
                born = calendar_day(fields.get("BirthDate", ""))
                name = ""
                if born is not None:
                    subject = f"{born:%Y%m%d}{born_that_day[str(born)]}"
                    born_that_day[str(born)] += 1
                    name = f"{kind}{subject}.{member.matricule}_{member.number}.JPG"
            else:
                about = fields.get("Insured", "")
                stamp, office = names.stamp(at), Office.of(environment)
                name = f"SECU.{draft.procedure}.{kind}.{about}.{stamp}.{member}.{office}.PDF"
            yield Slot(record, kind, about, name if _is_name(name) else "")


def _is_name(name: str) -> bool:
    return any(kind.pattern.fullmatch(name) for kind in KINDS)
