"""Files that come with a batch in one container: what they are called, and whose batch they go with.

The operator takes scans and annexes as files of their own, tied to a batch by their names: a CARTID by the
birth date and a serial (the first person born that day in the file is 0), an annex by the insured's
matricule. In a container the same signature covers the batch and them, so that nothing arrives alone and
nothing can be exchanged. Source: the operator's pages on CARTID and on DEMDET in XML.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.batch import Attachment, MemberId

Look = Callable[[str, bytes], str | None]
"""From the kind of an attachment and its bytes: why its content is not taken, or None when it is."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of attachment.

    Attributes:
        code: such as `CARTID`.
        procedure: of the batches it goes with.
        pattern: of its name, with the groups `subject`, `matricule` and `number`.
        within: other messages that may hold records of that procedure.
    """

    code: str
    procedure: str
    pattern: re.Pattern[str]
    within: tuple[str, ...] = ()


KINDS = (
    Kind(
        "CARTID",
        "DEMMAT",
        re.compile(r"CARTID(?P<subject>[0-9]{9})\.(?P<matricule>[0-9]{13})_(?P<number>[0-9]{6})\.JPG"),
        within=("PAYROLL",),
    ),
    *(
        Kind(
            code,
            "DEMDET",
            re.compile(
                rf"SECU\.DEMDET\.{code}\.(?P<subject>[0-9]{{13}})\.[0-9]{{8}}-[0-9]{{8}}"
                r"\.(?P<matricule>[0-9]{13})(?P<number>[0-9]{6})\.(?:CCSS|CCSSTEST)\.PDF"
            ),
        )
        for code in ("RHIN", "EXPL")
    ),
)
"""All kinds of attachments."""


class Misnamed(ValueError):
    """A file that goes with no batch of the procedure."""


def attachment(procedure: str, sender: MemberId, name: str, content: bytes, look: Look) -> Attachment:
    """What a file is that came with a batch.

    Args:
        procedure: of the batch.
        sender: the member who signed, whose numbers stand in the names.
        name: of the file.
        content: its bytes.
        look: judges the content.

    Raises:
        Misnamed: when its name is of no kind that goes with the procedure, or names another member.
    """
    for kind in KINDS:
        match = kind.pattern.fullmatch(name)
        if match is not None and procedure in (kind.procedure, *kind.within):
            if MemberId(match["matricule"], match["number"]) != sender:
                raise Misnamed(f"{name} names another member")
            return Attachment(name, kind.code, match["subject"], look(kind.code, content))
    raise Misnamed(f"{name} goes with no {procedure}")
