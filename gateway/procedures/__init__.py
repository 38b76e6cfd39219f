"""The procedures the counter handles: one explicit list.

To add one: its form and its line in the catalogue (`xsd/`), a module here in the folder of its
family with a `FORM` and a `handle`, a line in `PROCEDURES`, a vector for each code of its return, an
example pair. A completeness test walks the list and says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.batch import Batch
from gateway.context import Context
from gateway.outcome import Outcome
from gateway.procedures.agency import demuti
from gateway.procedures.declaration import decaff, decmal, decsal
from gateway.procedures.judgement import Form
from gateway.procedures.matricule import demmat

Handler = Callable[[Batch, Context], Outcome]
"""Judges a batch, record by record, and lets the good ones take effect in the registers."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """One kind of batch and what becomes of it.

    Attributes:
        family: the folder its handler stands in.
        form: names of its records and fields on the wire.
        handle: judges a batch.
    """

    family: str
    form: Form
    handle: Handler

    @property
    def code(self) -> str:
        """Its code and root element, such as `DECSAL`."""
        return self.form.procedure

    @property
    def record(self) -> str:
        """The element of one record, such as `Wage`."""
        return self.form.record

    @property
    def answers(self) -> tuple[str, ...]:
        """Codes of all business returns it may give, beside the acknowledgement."""
        return self.form.answers

    @property
    def returns_code(self) -> str:
        """The code of the return that carries refused records, such as `SALRET`."""
        return self.form.refused_in


EVERY_DEPOSIT = ("ACKREC", "ACKTRT")
"""What answers every deposit, whatever its procedure: the receipt and the acknowledgement."""

PROCEDURES = (
    Procedure("matricule", demmat.FORM, demmat.handle),
    Procedure("declaration", decaff.FORM, decaff.handle),
    Procedure("declaration", decsal.FORM, decsal.handle),
    Procedure("declaration", decmal.FORM, decmal.handle),
    Procedure("agency", demuti.FORM, demuti.handle),
)


def procedure(code: str) -> Procedure:
    """The procedure with a code.

    Raises:
        KeyError: when there is none.
    """
    return _BY_CODE[code]


_BY_CODE = {one.code: one for one in PROCEDURES}
