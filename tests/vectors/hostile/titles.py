"""File names that are none of ours: paths, other members, controls, other kinds."""

from __future__ import annotations

from tests.vectors.hostile import Shelf
from tests.vectors.hostile.forging import Forger

SHELF = Shelf()


def _named(name: str, change: tuple[str, str], *codes: str) -> None:
    old, new = change

    def title(forger: Forger) -> str:
        good = forger.title()
        assert old in good
        return good.replace(old, new, 1)

    SHELF.add(f"name_{name}", lambda f: f.good(), *codes, title=title)


_named("in_small_letters", (".XML", ".xml"), "FILE-NAME")
_named("with_another_end", (".XML", ".TXT"), "FILE-NAME")
_named("of_a_container", (".XML", ".ASICE"), "FILE-NAME")
_named("with_two_ends", (".XML", ".XML.EXE"), "FILE-NAME")
_named("without_end", (".XML", ""), "FILE-NAME")
_named("with_another_beginning", ("SECU.", "SECX."), "FILE-NAME")
_named("with_a_space", ("SECU.", "SECU ."), "FILE-NAME")
_named("of_another_procedure", ("DECSAL", "DECAFF"), "FILE-PROCEDURE")
_named("of_no_procedure", ("DECSAL", "DEMXYZ"), "FILE-PROCEDURE")
_named("with_an_accent", ("SECU.", "SÉCU."), "FILE-NAME")
_named("with_a_mark_of_direction", (".XML", ".\u202eLMX"), "FILE-NAME")
_named("with_a_formula", ("SECU.", "=SECU."), "FILE-NAME")
_named("with_a_quote", ("SECU.", "'SECU."), "FILE-NAME")
_named("with_markup", ("SECU.", "<b>SECU."), "FILE-NAME")
_named("with_a_full_width_letter", ("SECU.", "ＳECU."), "FILE-NAME")
_named("with_a_percent_sign", ("SECU.", "%2e%2e."), "FILE-NAME")
_named("very_long", (".XML", "." + "X" * 150), "FILE-NAME")
