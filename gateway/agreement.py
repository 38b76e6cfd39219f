"""What a member and the operator agreed (*convention* SECUline): which procedures, where, and in which form.

An agreement lists procedures one by one; the returns of a procedure come with it, and CALCUL always does. It
may be revoked at any time. Sources: the operator's rules of use, and its pages on DEMUTI and CALCUL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

OWN_COMPUTATION = "OWNCAL"
"""The procedure that needs an authorisation of its own."""


class Pages(StrEnum):
    """In which language a member gets what people read, such as the statement as PDF."""

    FRENCH = "fr"
    GERMAN = "de"
    ENGLISH = "en"
    NONE = "none"
    """No pages: the signed documents are enough."""


class Spelling(StrEnum):
    """In which form a member gets returns."""

    XML = "xml"
    """As signed documents."""
    DTA = "dta"
    """As the operator's `.dta` files where there is such a layout, in signed containers."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement as it stands.

    Attributes:
        procedures: codes of what the member may send; without any it has been revoked.
        environment: `production`, or `test` for a member who is let into the test environment only.
        answers: in which form returns go back.
        own_computation: whether the member is authorised to compute contributions itself (RGD of 12 May 1975,
            art. 7, par. 3): without it OWNCAL is not allowed, whatever the procedures.
        pages: whether account statements come as PDF and as invoice in UBL too, and in which language.
        release_above: files of more records than this wait until a second person of the member has released
            them; None for none.
        triples: whether the member sends batch, signature and go one by one over SFTP (`adapters.triples`).
    """

    procedures: frozenset[str]
    environment: str = "production"
    answers: Spelling = Spelling.XML
    own_computation: bool = False
    pages: Pages = Pages.FRENCH
    release_above: int | None = None
    triples: bool = False

    def allows(self, procedure: str, environment: str) -> bool:
        """Whether the member may use a procedure in an environment; production includes tests."""
        authorised = self.own_computation or procedure != OWN_COMPUTATION
        return authorised and procedure in self.procedures and environment in ("test", self.environment)
