"""Heads that name another recipient, sender, environment, form or version, or break their form."""

from __future__ import annotations

import copy

from lxml import etree

from tests.vectors.hostile import Shelf
from tests.vectors.hostile.forging import NS, Edit, Forger

SHELF = Shelf()
due = SHELF.due


def put(path: str, text: str) -> Edit:
    """Another text in the head."""
    place = "/".join(NS + step for step in path.split("/"))

    def change(root: etree._Element) -> None:
        found = root.find(f"{NS}Header/{place}")
        assert found is not None
        found.text = text

    return change


def _texts(path: str, stem: str, code: str, **texts: str) -> None:
    for name, text in texts.items():
        SHELF.add(f"{stem}_{name}", lambda f, t=text: f.signed(put(path, t)), code)  # type: ignore[misc]


_texts("Recipient", "recipient", "FILE-RECIPIENT", of_another="CNS", of_the_test_office="CCSSTEST")
_texts(
    "Recipient",
    "recipient",
    "FILE-FORM",
    in_small_letters="ccss",
    with_a_space="CCSS ",
    empty="",
    in_cyrillic="ССЅЅ",
    in_full_width="ＣＣＳＳ",
    twice="CCSS CCSS",
)
_texts("Environment", "environment", "FILE-ENVIRONMENT", production="production")
_texts(
    "Environment", "environment", "FILE-FORM", in_capitals="TEST", with_a_space=" test", empty="", unknown="x"
)
_texts("Sender/Number", "sender", "FILE-SENDER", with_another_number="999999")
_texts(
    "Sender/Number",
    "sender_number",
    "FILE-FORM",
    too_short="10000",
    too_long="1000010",
    with_a_sign="+10000",
    with_a_space="10000 ",
    in_arabic_digits="١٠٠٠٠١",
    in_full_width_digits="１００００１",
    with_a_line_end="100001\n",
    empty="",
)
_texts(
    "Sender/Matricule",
    "sender_matricule",
    "FILE-FORM",
    too_short="209999000129",
    with_letters="20999900012AB",
)
_texts(
    "Created",
    "created",
    "FILE-FORM",
    on_30_february="2026-02-30T09:00:00Z",
    at_hour_24="2026-08-03T24:00:00Z",
    at_second_60="2026-08-03T09:00:60Z",
    in_another_zone="2026-08-03T09:00:00+02:00",
    without_zone="2026-08-03T09:00:00",
    with_fractions="2026-08-03T09:00:00.5Z",
    in_small_letters="2026-08-03t09:00:00z",
    in_year_zero="0000-08-03T09:00:00Z",
    in_year_ten_thousand="10000-08-03T09:00:00Z",
    before_christ="-0001-08-03T09:00:00Z",
    as_a_number="1785740400",
    of_an_ordinal_day="2026-215T09:00:00Z",
)


@due("FILE-SENDER")
def sender_is_another_member(forger: Forger) -> bytes:
    member = forger.other.member
    return forger.signed(
        lambda root: (
            put("Sender/Matricule", member.matricule)(root),
            put("Sender/Number", member.number)(root),
        )
    )


@due("SIG-SENDER")
def signed_by_another_member(forger: Forger) -> bytes:
    return forger.sign(forger.plain(), forger.other.signer)


@due("SIG-CERTIFICATE-UNKNOWN")
def signed_by_the_gateway(forger: Forger) -> bytes:
    return forger.sign(forger.plain(), forger.home.gateway.seal.signer)


SHELF.table(
    "head",
    {
        "missing": lambda f: f.signed(lambda root: root.remove(root[0])),
        "twice": lambda f: f.signed(lambda root: root.append(copy.deepcopy(root[0]))),
        "behind_the_records": lambda f: f.signed(lambda root: root.append(root[0])),
        "without_sender": lambda f: f.signed(lambda root: root[0].remove(root[0][0])),
        "with_two_senders": lambda f: f.signed(lambda root: root[0].insert(0, copy.deepcopy(root[0][0]))),
        "turned": lambda f: f.signed(lambda root: root[0].append(root[0][0])),
        "with_more": lambda f: f.signed(lambda root: etree.SubElement(root[0], f"{NS}Approved")),
        "with_an_attribute": lambda f: f.signed(lambda root: root[0].set("x", "1")),
        "with_text": lambda f: f.signed(lambda root: setattr(root[0], "text", "x")),
        "of_an_answer": lambda f: f.signed(lambda root: etree.SubElement(root[0], f"{NS}Deposit")),
        "with_a_long_reference": lambda f: f.signed(
            lambda root: setattr(etree.SubElement(root[0], f"{NS}Reference"), "text", "x" * 41)
        ),
        "with_a_formula_for_software": lambda f: f.signed(
            lambda root: setattr(etree.SubElement(root[0], f"{NS}Software"), "text", "=\u202e")
        ),
    },
    "FILE-FORM",
)
SHELF.table(
    "root",
    {
        "with_an_attribute": lambda f: f.signed(lambda root: root.set("x", "1")),
        "with_text": lambda f: f.signed(lambda root: setattr(root[0], "tail", "x")),
        "with_a_stranger": lambda f: f.signed(lambda root: etree.SubElement(root, f"{NS}Approved")),
    },
    "FILE-FORM",
)
SHELF.add("batch_without_records", lambda f: f.signed(lambda root: root.remove(root[1])), "FILE-EMPTY")


def _rooted(name: str) -> Edit:
    return lambda root: setattr(root, "tag", NS + name)


SHELF.table(
    "procedure",
    {
        "unknown": lambda f: f.signed(_rooted("DEMXYZ")),
        "in_small_letters": lambda f: f.signed(_rooted("decsal")),
        "another": lambda f: f.signed(_rooted("DECAFF")),
        "an_acknowledgement": lambda f: f.signed(_rooted("ACKTRT")),
        "a_return": lambda f: f.signed(_rooted("SALRET")),
        "a_statement": lambda f: f.signed(_rooted("EXTCPT")),
        "very_long": lambda f: f.signed(_rooted("x" * 100)),
        "in_cyrillic": lambda f: f.signed(_rooted("DЕCSAL")),
    },
    "FILE-PROCEDURE",
)
SHELF.table(
    "version",
    {
        name: (lambda f, t=text: f.signed(lambda root: root.set("version", t)))
        for name, text in {
            "later": "2.0",
            "earlier": "0.9",
            "short": "1",
            "long": "1.0.0",
            "empty": "",
            "with_a_space": "1.0 ",
            "with_a_path": "../1.0",
            "with_zeros": "01.0",
            "in_full_width": "１.0",
            "very_long": "9" * 5000,
            "star": "*",
        }.items()
    }
    | {"missing": lambda f: f.signed(lambda root: root.attrib.clear())},
    "FILE-VERSION",
)
