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
from gateway.procedures.abroad import demdet
from gateway.procedures.agency import decint, demuti
from gateway.procedures.billing import owncal
from gateway.procedures.declaration import decaff, decmal, decrec, decsal, demcer
from gateway.procedures.employer import dememp, demman
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
        pages: codes of what it may give to read beside its returns, which has no form.
        notices: codes of what may be posted later because of what a batch said or left out.
    """

    family: str
    form: Form
    handle: Handler
    pages: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

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
    def all_returns(self) -> tuple[str, ...]:
        """Codes of all it may give of its own, with and without a form."""
        return (*self.answers, *self.pages)

    @property
    def returns_code(self) -> str:
        """The code of the return that carries refused records, such as `SALRET`."""
        return self.form.refused_in


EVERY_DEPOSIT = ("ACKREC", "ACKTRT")
"""What answers every deposit, whatever its procedure: the receipt and the acknowledgement."""

REFUSED_FILE = ("FAIL",)
"""What a file gets as well that is refused as a whole, whatever its procedure."""

PROCEDURES = (
    Procedure("matricule", demmat.FORM, demmat.handle),
    Procedure("declaration", decaff.FORM, decaff.handle),
    Procedure("declaration", decsal.FORM, decsal.handle, notices=("SALMAN",)),
    Procedure("declaration", decrec.FORM, decrec.handle),
    Procedure("declaration", decmal.FORM, decmal.handle),
    Procedure("agency", demuti.FORM, demuti.handle),
    Procedure("agency", decint.FORM, decint.handle),
    Procedure("abroad", demdet.FORM, demdet.handle, pages=("INFO",)),
    Procedure("employer", dememp.FORM, dememp.handle),
    Procedure("employer", demman.FORM, demman.handle),
    Procedure("declaration", demcer.FORM, demcer.handle),
    Procedure("billing", owncal.FORM, owncal.handle, notices=(owncal.COMPARED_IN,)),
)

PAYROLL = "PAYROLL"
"""The message that holds records of several procedures; it has no handler of its own."""

PARTS = ("DEMMAT", "DECAFF", "DECINT", "DECSAL", "DECREC", "DECMAL", "OWNCAL")
"""The procedures whose records a PAYROLL holds, in the order in which they are treated: first who is
insured, then what was earned and missed, then what the employer makes of it. What is stated wage by wage
comes before what is repeated."""


def procedure(code: str) -> Procedure:
    """The procedure with a code.

    Raises:
        KeyError: when there is none.
    """
    return _BY_CODE[code]


def answers_to(code: str) -> tuple[str, ...]:
    """Codes of all that may come back for a file of a member; none for what no member sends."""
    parts = PARTS if code == PAYROLL else (code,)
    handled = [_BY_CODE[part] for part in parts if part in _BY_CODE]
    if not handled:
        return ()
    own = (answer for one in handled for answer in (*one.all_returns, *one.notices))
    return (*EVERY_DEPOSIT, *dict.fromkeys(own), *REFUSED_FILE)


_BY_CODE = {one.code: one for one in PROCEDURES}
