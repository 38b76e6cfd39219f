"""Values that have another spelling than the one: of numbers, dates, amounts, hours, words and texts."""

from __future__ import annotations

from tests.vectors.hostile import Shelf

SHELF = Shelf()


def _spelt(field: str, code: str, **texts: str) -> None:
    stem = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field).strip("_")
    for name, text in texts.items():
        SHELF.add(f"{stem}_{name}", lambda f, t=text: f.spelt(**{field: t}), code)  # type: ignore[misc]


_spelt(
    "Insured",
    "SALRET-3",
    empty="",
    too_short="189312010573",
    too_long="18931201057320",
    with_a_space_in_front=" 1893120105732",
    with_a_space_behind="1893120105732 ",
    with_a_tab="1893120105732\t",
    with_a_line_end="1893120105732\n",
    with_no_break_space="1893120105732\u00a0",
    with_zero_width_space="1893120105732\u200b",
    with_a_mark_of_direction="\u202e1893120105732",
    with_byte_order_mark="\ufeff1893120105732",
    with_a_sign="+893120105732",
    with_a_minus="-893120105732",
    in_groups="1893 1201 05732",
    in_arabic_digits="١٨٩٣١٢٠١٠٥٧٣٢",
    in_devanagari_digits="१८९३१२०१०५७३२",
    in_full_width_digits="１８９３１２０１０５７３２",
    in_mathematical_digits="𝟏𝟖𝟗𝟑𝟏𝟐𝟎𝟏𝟎𝟓𝟕𝟑𝟐",
    with_letter_o="18931201O5732",
    hexadecimal="0x189312010573",
    with_an_underscore="1893_20105732",
    with_exponent="1893120105e32",
    a_query="' OR '1'='1",
    a_path="../../../etc/",
    a_formula="=1+1         ",
)
_spelt(
    "Employer",
    "SALRET-2",
    with_a_space_behind="2099990001299 ",
    in_arabic_digits="٢٠٩٩٩٩٠٠٠١٢٩٩",
    empty="",
    with_hyphens="2099-99-00012",
    a_query="1; DROP TABLE",
)
_spelt(
    "Period",
    "SALRET-5",
    month_0="2026-00",
    month_13="2026-13",
    short_month="2026-7",
    without_hyphen="202607",
    with_a_day="2026-07-01",
    with_a_slash="2026/07",
    turned="07-2026",
    year_of_two_digits="26-07",
    year_0="0000-07",
    year_of_five_digits="12026-07",
    with_a_space=" 2026-07",
    in_words="July 2026",
    in_arabic_digits="٢٠٢٦-٠٧",
    with_an_en_dash="2026–07",
    empty="",
    as_a_number="46204",
)
_spelt(
    "BaseWage",
    "SALRET-4",
    empty="",
    with_a_comma="3812,40",
    with_thousands="3,812.40",
    with_an_apostrophe="3'812.40",
    with_one_decimal="3812.4",
    with_three_decimals="3812.400",
    without_decimals="3812",
    without_digits_in_front=".40",
    without_digits_behind="3812.",
    with_a_leading_zero="03812.40",
    with_a_sign="+3812.40",
    negative="-3812.40",
    minus_zero="-0.00",
    with_exponent="3.81240E3",
    not_a_number="NaN",
    infinite="INF",
    infinite_in_words="Infinity",
    hexadecimal="0xEE4.40",
    too_large="10000000000.00",
    of_ten_thousand_digits="9" * 10_000 + ".00",
    with_a_currency="3812.40 EUR",
    with_a_euro_sign="€3812.40",
    with_a_space="3 812.40",
    with_an_underscore="3_812.40",
    in_arabic_digits="٣٨١٢.٤٠",
    in_full_width_digits="３８１２.４０",
    with_superscript="3812.4²",
    with_a_fraction="3812½",
    with_parentheses="(3812.40)",
    a_formula="=3812.40",
    with_a_line_end="3812.40\n",
)
_spelt(
    "WorkHours",
    "SALRET-4",
    with_decimals="173.0",
    with_a_leading_zero="0173",
    of_four_digits="1730",
    negative="-1",
    with_a_sign="+173",
    empty="",
    in_words="full",
    with_minutes="173:00",
    with_exponent="1e2",
)
_spelt(
    "FirstDay",
    "SALRET-99",
    zero="00",
    of_one_digit="1",
    of_32="32",
    negative="-1",
    a_date="2026-07-01",
    empty="",
)
_spelt(
    "Capped", "SALRET-99", small_letter="y", in_words="yes", truth="true", number="1", empty="", in_french="O"
)

REFERENCES = {
    "empty": "",
    "too_long": "x" * 41,
    "with_semicolon": "a;b",
    "with_line_end": "a\nb",
    "with_carriage_return": "a\rb",
    "with_tab": "a\tb",
    "with_no_break_space": "a\u00a0b",
    "with_zero_width_space": "a\u200bb",
    "with_a_mark_of_direction": "a\u202eb",
    "with_an_isolate": "a\u2066b",
    "with_a_soft_hyphen": "a\u00adb",
    "with_a_combining_mark": "a\u0301",
    "with_many_combining_marks": "a" + "\u0301" * 30,
    "with_an_emoji": "\U0001f4b6",
    "with_a_flag": "\U0001f1f1\U0001f1fa",
    "with_an_accent": "é",
    "in_cyrillic": "аbс",
    "in_arabic": "مرجع",
    "in_chinese": "参考",
    "with_private_use": "\ue000",
    "with_a_replacement_character": "\ufffd",
    "with_a_line_separator": "a\u2028b",
    "with_a_paragraph_separator": "a\u2029b",
    "with_next_line": "a\u0085b",
    "with_delete": "a\u007fb",
    "with_a_tag_character": "a\U000e0041b",
}
"""Texts for people, none of which is printable ASCII."""

_spelt("Reference", "SALRET-99", **REFERENCES)


def _stranger(name: str) -> None:
    SHELF.add(f"field_{name.lower()}_is_unknown", lambda f: f.spelt(**{name: "1"}), "SALRET-99")


for _name in ("Approved", "ID", "SALARY", "Period2", "x" * 100):
    _stranger(_name)
SHELF.table(
    "record",
    {
        "with_an_attribute": lambda f: f.signed(lambda root: root[1].set("x", "1")),
        "with_text": lambda f: f.signed(lambda root: setattr(root[1], "text", "x")),
    },
    "SALRET-99",
)
SHELF.add(
    "record_with_an_element_in_a_value",
    lambda f: f.signed(lambda root: root[1][3].append(root.makeelement("{urn:secugate:1}b"))),
    "SALRET-4",
)
SHELF.add(
    "record_with_fields_turned",
    lambda f: f.signed(lambda root: root[1].insert(0, root[1][3])),
    *["SALRET-99"] * 3,
)
