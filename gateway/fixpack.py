"""The fix pack of a return: a batch of the refused records alone, to be corrected, signed and sent again.

Each record stands in it with the very texts of the return, wrong ones included, in the order of the file
that was sent; what its sender has to do is in a listing beside it. What a return does not give back is
not in it either: elements that are no field of the record, and the end of a text of more than 200
characters; in a `.dta` return, what its fields could not hold (a question mark stands there).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from lxml import etree

from gateway import dta, dta_answers, wire
from gateway.attachments import KINDS
from gateway.batch import Header, MemberId
from gateway.moments import Received
from gateway.procedures import PROCEDURES, Procedure
from gateway.rejections import REJECTIONS
from gateway.rejections.fields import fields_of
from gateway.returns import rejected
from gateway.returns.rejected import RejectedRecord
from xsd import Form, FormFaults, catalogue

_FEW = 3
_BY_RETURN = {one.returns_code: one for one in PROCEDURES}


@dataclass(frozen=True, slots=True)
class FixPack:
    """The refused records of one return, as a batch to be.

    Attributes:
        source: code of the return, such as `SALRET`.
        procedure: of the batch.
        version: of its form, the newest in force.
        member: to whom the return went, who sends the batch.
        environment: of the return; None for a `.dta`, which does not tell it.
        created: the moment of making the pack.
        records: at least one, in the order of the return.
        sent: name of the file in which they were refused, where the return says it.
    """

    source: str
    procedure: Procedure
    version: str
    member: MemberId
    environment: str | None
    created: datetime
    records: tuple[RejectedRecord, ...]
    sent: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record that a `.dta` file cannot carry, and why."""

    record: RejectedRecord
    reason: dta.UnwritableError


def of(root: etree._Element, created: datetime) -> FixPack:
    """The fix pack of a return in XML.

    Args:
        root: the return; whose seal it bears is for the caller to check.
        created: the present moment, which also tells the form in force.

    Raises:
        ValueError: when it is no return that gives records back, or gives none; the sentence says which.
    """
    code, day = etree.QName(root).localname, Received(created).day
    procedure = _refused_in(code)
    try:
        catalogue().form(code, wire.VERSION, day).validate(root)
    except FormFaults as faults:
        raise ValueError(str(faults)) from None
    returned = rejected.read(code, root)
    header, deposit = returned.header, returned.header.deposit
    return FixPack(
        source=code,
        procedure=procedure,
        version=_newest(procedure.code, day),
        member=header.recipient,
        environment=header.environment,
        created=created,
        records=_some(code, returned.rejected),
        sent=None if deposit is None else deposit.name,
    )


def of_dta(name: str, content: bytes, created: datetime) -> FixPack:
    """The fix pack of a return in `.dta`.

    Args:
        name: of the file, whose first part tells the return: `SALRET.<matricule>_<number>_<stamp>.dta`.
        content: its bytes; whose seal is on its container is for the caller to check.
        created: the present moment, which also tells the layout in force.

    Raises:
        ValueError: when it is no return that gives records back, or gives none; the sentence says which.
    """
    code, day = name.partition(".")[0], Received(created).day
    procedure = _refused_in(code)
    member, records = dta_answers.read_rejected(code, content, day)
    version = _newest(procedure.code, day)
    return FixPack(code, procedure, version, member, None, created, _some(code, records))


def is_return(code: str) -> bool:
    """Whether an answer gives refused records back."""
    return code in _BY_RETURN


def _refused_in(code: str) -> Procedure:
    procedure = _BY_RETURN.get(code)
    if procedure is None:
        raise ValueError(f"{code} gives no refused records back; {', '.join(sorted(_BY_RETURN))} do")
    return procedure


def _some(code: str, records: tuple[RejectedRecord, ...]) -> tuple[RejectedRecord, ...]:
    if not records:
        raise ValueError(f"this {code} gives no record back")
    return records


def _newest(code: str, day: date) -> str:
    """The newest version of a form that is in force."""
    return max(one.number for one in catalogue().entries[code].versions.values() if one.covers(day))


def write(pack: FixPack) -> bytes:
    """The batch as XML, unsigned, one field a line for whoever corrects it by hand.

    Raises:
        ValueError: for the pack of a `.dta` return, which does not tell the environment.
    """
    if pack.environment is None:
        raise ValueError(f"a {pack.source} in .dta does not tell its environment; write its pack as .dta")
    header = Header(
        pack.procedure.code, pack.version, pack.member, wire.OPERATOR, pack.environment, pack.created
    )
    root = wire.write_batch(header, pack.procedure.record, (one.fields for one in pack.records))
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def carried(pack: FixPack) -> tuple[FixPack, tuple[LeftOut, ...]]:
    """The part of a pack that a `.dta` file can carry, and what it cannot. The part may be empty.

    Raises:
        ValueError: when the procedure is taken in XML only.
    """
    form = _form(pack)
    kept, left_out = [], []
    for one in pack.records:
        try:
            dta.write(pack.member, [one.fields], form)
        except dta.UnwritableError as error:
            left_out.append(LeftOut(one, error))
        else:
            kept.append(one)
    return replace(pack, records=tuple(kept)), tuple(left_out)


def write_dta(pack: FixPack) -> bytes:
    """The batch as a `.dta` file.

    Raises:
        gateway.dta.UnwritableError: for a record that it cannot carry.
    """
    return dta.write(pack.member, [one.fields for one in pack.records], _form(pack))


def _form(pack: FixPack) -> Form:
    return catalogue().form(pack.procedure.code, pack.version, Received(pack.created).day)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a listing says beside the texts of the codes, in one language."""

    head: str
    attachments: str
    record: str
    line: str
    left_out: str


_WORDS = {
    "fr": _Words(
        head="Enregistrements refusés ({source}) : corrigez-les, signez le lot et renvoyez-le.",
        attachments="Joignez à nouveau les pièces de ces enregistrements ({kinds}).",
        record="Enregistrement {place} (n° {number} du fichier envoyé)",
        line="Enregistrement {place} (ligne {number} du retour)",
        left_out="Non repris : enregistrement n° {number} du fichier envoyé. "
        "Un fichier .dta ne peut contenir la valeur du champ {field} ; utilisez le lot XML.",
    ),
    "de": _Words(
        head="Zurückgewiesene Datensätze ({source}): berichtigen, die Lieferung signieren und erneut senden.",
        attachments="Fügen Sie die Anlagen dieser Datensätze erneut bei ({kinds}).",
        record="Datensatz {place} (Nr. {number} der gesendeten Datei)",
        line="Datensatz {place} (Zeile {number} der Rückmeldung)",
        left_out="Nicht enthalten: Datensatz Nr. {number} der gesendeten Datei. "
        "Eine .dta-Datei kann den Wert des Feldes {field} nicht aufnehmen; verwenden Sie die XML-Lieferung.",
    ),
    "en": _Words(
        head="Refused records ({source}): correct them, sign the batch and send it again.",
        attachments="Attach the files that belong to these records again ({kinds}).",
        record="Record {place} (number {number} of the file sent)",
        line="Record {place} (line {number} of the return)",
        left_out="Not included: record number {number} of the file sent. "
        "A .dta file cannot carry the value of the field {field}; use the XML batch.",
    ),
}


def listing(name: str, pack: FixPack, language: str, left_out: Sequence[LeftOut] = ()) -> str:
    """What is wrong with each record of a pack and what to do, as plain text.

    Args:
        name: of the file that holds the pack.
        pack: as it was written.
        language: `fr`, `de` or `en`.
        left_out: what was not written.
    """
    words = _WORDS[language]
    title = words.line if pack.environment is None else words.record
    kinds = ", ".join(kind.code for kind in KINDS if kind.procedure == pack.procedure.code)
    lines = [name, *([] if pack.sent is None else [f"← {pack.sent}"]), words.head.format(source=pack.source)]
    if kinds:
        lines.append(words.attachments.format(kinds=kinds))
    for place, one in enumerate(pack.records, start=1):
        lines += ["", title.format(place=place, number=one.record), *_reasons(pack, one, language)]
    for left in left_out:
        said = words.left_out.format(number=left.record.record, field=left.reason.field)
        lines += ["", said, *_reasons(pack, left.record, language)]
    return "\n".join(lines) + "\n"


def _reasons(pack: FixPack, one: RejectedRecord, language: str) -> Iterator[str]:
    for code in one.codes:
        rejection = REJECTIONS.get(_key(pack.source, code))
        if rejection is None:  # a code of tomorrow: the acknowledgement explains it
            yield f"  {pack.source} {code}"
            continue
        yield f"  {rejection.key}: {rejection.titles[language]}{_about(rejection.key)}"
        yield f"    {rejection.texts[language]}"
        yield f"    → {rejection.remedies[language]}"


def _about(key: str) -> str:
    """The fields of a code, where they are few enough to be of use."""
    fields = fields_of(key)
    return f" ({', '.join(fields)})" if 0 < len(fields) <= _FEW else ""


def _key(source: str, code: str) -> str:
    """The key of a code as a return writes it: the operator's number, or the key itself."""
    numbered = f"{source}-{code}"
    return numbered if numbered in REJECTIONS else code
