"""FAIL, for a file refused as a whole, and INFO, a page about refusals that need more than a sentence:
at the counter, with hostile names and values."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

import pytest
import typst
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.pdf import TEMPLATES, typeset
from gateway import names, wire
from gateway.batch import Anomaly, Record
from gateway.client.seals import GOOD, seal_verdict
from gateway.moments import Received
from gateway.names import Extension
from gateway.outcome import Refusal
from gateway.procedures import PROCEDURES
from gateway.procedures.lists.abroad import law
from gateway.returns import fail, info
from gateway.returns.anomalies import explain
from signing.certificates import load_seals
from signing.verify import verify_sealed_container
from tests.flow.premises import START, answers, kinds, rows, someone
from tests.flow.test_abroad import activity
from tests.house import House, Outcome, Sender, wage

STAMP = "20260820-10000000"


def named(home: House, deposit: str) -> dict[str, str]:
    """The name of each answer to a deposit, by kind."""
    found = rows(home, "SELECT kind, name FROM answer WHERE deposit = :id", id=deposit)
    return {row["kind"]: row["name"] for row in found}


def incoming(code: str, stamp: str, sender: Sender, extension: Extension = Extension.XML) -> str:
    return str(names.FileName(code, stamp, sender.member, incoming=True, extension=extension))


def deposited(home: House, sender: Sender, name: str, content: bytes) -> Outcome:
    return home.outcome(sender, home.receive(sender, name, content).deposit)


@pytest.mark.parametrize("code", [*(one.code for one in PROCEDURES), "PAYROLL", "NOSUCH"])
def test_a_refused_file_gets_a_fail_under_its_own_name(home: House, sender: Sender, code: str) -> None:
    outcome = deposited(home, sender, incoming(code, STAMP, sender), f"not XML, {code}".encode())
    assert (outcome.verdict, outcome.codes) == ("rejected", ["FILE-NOT-XML"])
    deposit = outcome.kept.deposit
    given = named(home, deposit.id)
    assert given["FAIL"] == f"SECU.{code}.{STAMP}.FAIL.CCSS.{sender.member}.XML"
    assert outcome.acknowledgement.returns == (given["FAIL"],)
    assert seal_verdict(outcome.answers["FAIL"], home.seals) == GOOD
    failure = fail.read(etree.fromstring(outcome.answers["FAIL"]))
    assert failure.header == outcome.acknowledgement.header
    assert failure.header.deposit is not None
    assert (failure.header.deposit.id, failure.header.deposit.digest) == (deposit.id, deposit.digest)
    assert failure.anomalies == outcome.acknowledgement.anomalies
    assert failure.explanations == outcome.acknowledgement.explanations == explain(failure.anomalies)
    assert kinds(answers(home, deposit.id)) == ["ACKREC", "FAIL", "ACKTRT"]


def test_the_fail_of_a_container_is_a_document(home: House, sender: Sender) -> None:
    name = incoming("DECSAL", "20260820-10000001", sender, Extension.ASICE)
    outcome = deposited(home, sender, name, b"PK\x03\x04 no container")
    assert outcome.codes == ["FILE-CONTAINER"]
    given = named(home, outcome.kept.deposit.id)
    assert given["FAIL"] == f"SECU.DECSAL.20260820-10000001.FAIL.CCSS.{sender.member}.XML"
    assert fail.read(etree.fromstring(outcome.answers["FAIL"])).anomalies[0].code == "FILE-CONTAINER"


@pytest.mark.parametrize(
    "name",
    [
        "lohn.xml",
        "SECU.SALRET.20260820-10000000.CCSS.{}.XML",
        "SECU.DECSAL.{}.FAIL.CCSS.XML",
        "<&'\">%00 ;*",
        "n" * 255,
    ],
)
def test_a_name_outside_the_pattern_is_inconn(home: House, sender: Sender, name: str) -> None:
    given_name = name.format(sender.member)
    outcome = deposited(home, sender, given_name, f"not XML, {name}".encode())
    assert outcome.codes == ["FILE-NAME", "FILE-NOT-XML"]
    made = names.parse(named(home, outcome.kept.deposit.id)["FAIL"])
    assert (made.type, made.kind, made.member) == ("INCONN", "FAIL", sender.member)
    # The clock of this gateway stands: what came at the same moment took the stamps before.
    received = names.stamp(outcome.kept.deposit.received)
    assert received <= made.stamp < f"{received[:-2]}99"
    failure = fail.read(etree.fromstring(outcome.answers["FAIL"]))
    assert failure.header.deposit is not None
    assert failure.header.deposit.name == given_name


def test_one_name_that_fails_again_and_again_never_gives_one_name_twice(home: House, sender: Sender) -> None:
    """The stamp moves on a hundredth of a second at a time, past what other files took, and no further."""
    name, third = (incoming("DECAFF", f"20260820-1030000{n}", sender) for n in (0, 2))
    given = [deposited(home, sender, name, b"bad, 1"), deposited(home, sender, third, b"bad, third")]
    given += [deposited(home, sender, name, f"bad, {n}".encode()) for n in (2, 3)]
    assert [one.codes[0] for one in given] == ["FILE-NOT-XML"] * 2 + ["FILE-NAME-USED"] * 2
    made = [named(home, one.kept.deposit.id)["FAIL"].split(".")[2] for one in given]
    assert made == [f"20260820-1030000{n}" for n in (0, 2, 1, 3)]
    named_in = [fail.read(etree.fromstring(one.answers["FAIL"])).header.deposit for one in given]
    assert [one.name for one in named_in if one is not None] == [name, third, name, name]


def test_a_second_fail_is_not_called_after_another_file(home: House, sender: Sender) -> None:
    """Whoever goes by names would take the file between, which was accepted, for refused."""
    name, good, odd = (f"SECU.DECSAL.20260820-1100000{end}" for end in ("5", "6", "7!.x"))
    ending = f".{sender.member}.CCSS.XML"
    home.affiliate(insured := someone())
    first = deposited(home, sender, name + ending, b"bad, 5")
    assert deposited(home, sender, good + ending, home.batch(sender, "DECSAL", [wage(insured)])).codes == []
    assert deposited(home, sender, odd, b"bad, odd").codes == ["FILE-NAME", "FILE-NOT-XML"]
    second = deposited(home, sender, name + ending, b"bad, 5 again")
    made = [named(home, one.kept.deposit.id)["FAIL"].split(".")[2] for one in (first, second)]
    assert made == ["20260820-11000005", "20260820-11000008"]


def test_a_fail_called_like_a_return_does_not_move_the_stamps_of_the_returns(
    home: House, sender: Sender
) -> None:
    """Whoever calls a bad file SALRET, far in the future, would else decide how later returns are called."""
    outcome = deposited(home, sender, incoming("SALRET", "99981231-23595999", sender), b"bad, far")
    failed = named(home, outcome.kept.deposit.id)["FAIL"]
    assert failed == f"SECU.SALRET.99981231-23595999.FAIL.CCSS.{sender.member}.XML"
    refused = home.send(sender, "DECSAL", [wage(someone(), Period="2031-01")])
    assert named(home, refused.kept.deposit.id)["SALRET"].startswith("SECU.SALRET.2026")
    last = deposited(home, sender, incoming("SALRET", "99991231-23595999", sender), b"bad, farther")
    again = deposited(home, sender, incoming("SALRET", "99991231-23595999", sender), b"bad, farthest")
    assert last.kept.state == again.kept.state == "rejected"
    assert named(home, again.kept.deposit.id)["FAIL"].startswith("SECU.INCONN.")


def test_a_file_that_was_read_is_no_fail(home: House, sender: Sender) -> None:
    outcome = home.send(sender, "DECSAL", [wage(someone(), Period="2031-01")])
    assert outcome.verdict == "rejected"
    assert set(outcome.answers) == {"ACKREC", "SALRET", "ACKTRT"}


# INFO


def telework(insured: str, first: date, **changes: str) -> dict[str, str]:
    fields = activity(insured, first, Procedure="multi-state", Telework="true", TeleworkShare="60.00")
    return {key: text for key, text in {**fields, **changes}.items() if key != "HostCountry"}


def page_in(home: House, outcome: Outcome) -> tuple[str, bytes]:
    """Name and bytes of the page in an INFO, whose seal was looked at."""
    sealed = verify_sealed_container(outcome.answers["INFO"], load_seals(home.seals))
    [(name, content)] = sealed.files.items()
    return name, content


def test_telework_that_was_refused_gets_a_page_beside_its_return(
    home: House, sender: Sender, today: date
) -> None:
    insured = someone()
    home.affiliate(insured)
    outcome = home.send(sender, "DEMDET", [telework(insured, today)])
    assert (outcome.verdict, outcome.codes) == ("rejected", ["DETRET-TELEWORK-SHARE"])
    deposit = outcome.kept.deposit.id
    assert kinds(answers(home, deposit)) == ["ACKREC", "DETRET", "INFO", "ACKTRT"]
    given = named(home, deposit)
    assert outcome.acknowledgement.returns == (given["DETRET"], given["INFO"])
    outer = names.parse(given["INFO"])
    assert (outer.type, outer.kind, outer.extension) == ("DEMDET", "INFO", Extension.ASICE)
    assert seal_verdict(outcome.answers["INFO"], home.seals) == GOOD
    name, content = page_in(home, outcome)
    assert names.parse(name) == replace(outer, extension=Extension.PDF)
    assert content.startswith(b"%PDF-")
    assert b"pdfaid:part" in content
    assert not home.findings()


def test_pages_of_a_member_are_never_called_alike(home: House, sender: Sender, today: date) -> None:
    insured = someone()
    home.affiliate(insured)
    bad = [telework(insured, today, Reference=str(n)) for n in range(3)]
    given = [home.send(sender, "DEMDET", [one]) for one in bad]
    made = [named(home, one.kept.deposit.id)["INFO"] for one in given]
    assert made == sorted(set(made))


@pytest.mark.parametrize("changes", [{"Insured": "1893120105733"}, {"HostCountry": "XX"}, {}])
def test_other_refusals_get_none(home: House, sender: Sender, today: date, changes: dict[str, str]) -> None:
    insured = someone()
    home.affiliate(insured)
    outcome = home.send(sender, "DEMDET", [activity(insured, today, **changes)])
    assert (outcome.verdict == "rejected") == bool(changes)
    assert "INFO" not in outcome.answers


HOSTILE = (
    '#eval("1")',
    "*bold* _x_ `raw` $x$ <label> @ref",
    "] } ) #panic() [ {",
    '#import "/etc/passwd"',
    "\\u{41} \\ // /* ~ -- --- ' \"",
    "漢字 \u202e \u200b é ß 🙂",
    "x" * 40,
)


def test_hostile_values_are_shown_as_they_stand(home: House, sender: Sender, today: date) -> None:
    """They break their form, and so are refused; beside a telework code the page shows them."""
    insured = someone()
    home.affiliate(insured)
    records = [telework(insured, today, TeleworkShare=text, Reference=text) for text in HOSTILE]
    records += [telework(insured, today, Reference=text) for text in HOSTILE]
    outcome = home.send(sender, "DEMDET", [*records, telework(someone(), today)])
    assert "DETRET-TELEWORK-SHARE" in outcome.codes
    assert page_in(home, outcome)[1].startswith(b"%PDF-")
    assert not home.findings()


AT = START
HEADER = wire.AnswerHeader(
    names.parse("SECU.DEMDET.20260820-10000000.2099990001299100001.CCSS.XML").member,
    "test",
    AT,
    wire.DepositReference("1", "SECU.DEMDET.XML", 1, "0" * 64, Received(AT)),
)


def page(*refusals: Refusal) -> info.Information:
    found = info.of(HEADER, refusals)
    assert found is not None
    return found


def refusal(number: int, text: str, code: str = "DETRET-TELEWORK-STATE") -> Refusal:
    fields = dict.fromkeys(("Employer", "Insured", "Reference", "ResidenceCountry"), text)
    return Refusal(Record(number, None, fields), (Anomaly(code, number, "ResidenceCountry", value=text),))


def cells(content: dict[str, object]) -> list[str]:
    """The texts of the first record's cells as typst sets them: the same template, written as HTML."""
    written = typst.compile(
        TEMPLATES / "info.typ",
        root=TEMPLATES,
        format="html",
        sys_inputs={"content": json.dumps(content)},
    )
    row = etree.fromstring(written, etree.HTMLParser(encoding="utf-8")).find(".//tbody/tr")
    assert row is not None
    return ["".join(map(str, cell.itertext())) for cell in row.iterchildren("td")]


def squeezed(text: str) -> str:
    """A text whose blanks do not count: HTML has its own way with them."""
    return re.sub(r"\s+", "", text)


MARKUP = tuple("#*_$`\\[]{}()<>@/=-+~\"' \nevalpnicort0")


@given(st.text(max_size=60) | st.text(st.sampled_from(MARKUP), max_size=60))
@example('#eval("1") *a* ]')
@example("$x$ <a> @b `c` #{d}")
@example("// a /* b */ c")
@settings(deadline=None, max_examples=60)
def test_any_value_is_set_as_it_stands_and_never_as_markup(text: str) -> None:
    content = info.spell(page(refusal(1, text)))
    cut = text if len(text) <= 24 else text[:23] + "…"
    shown = re.sub(r"[^ -~¡-¬®-\u017f‘’‚“”„–—…€−≤≥→]", "?", cut)
    found = "DETRET-TELEWORK-STATE, ResidenceCountry" + (f": {shown}" if shown else "")
    due = ["1", shown, shown, found, shown]
    assert [squeezed(cell) for cell in cells(content)] == [squeezed(cell) for cell in due]
    assert typeset("info", content, AT).startswith(b"%PDF-")


def test_every_letter_that_is_shown_can_be_set() -> None:
    """PDF/A takes no letter that the fonts of the page lack."""
    letters = [chr(code) for code in range(0x180) if chr(code).isprintable()]
    assert len(letters) > 250
    rows = ["".join(letters[at : at + 20]) for at in range(0, len(letters), 20)]
    content = info.spell(page(*(refusal(number, row) for number, row in enumerate(rows, start=1))))
    shown = content["records"]
    assert isinstance(shown, list)
    assert [one["employer"] for one in shown] == rows
    assert typeset("info", content, AT).startswith(b"%PDF-")


def test_the_same_page_at_the_same_moment_has_the_same_bytes() -> None:
    content = info.spell(page(refusal(1, "BG")))
    assert typeset("info", content, AT) == typeset("info", content, AT)
    assert typeset("info", content, AT) != typeset("info", content, AT.replace(day=21))


def test_a_page_says_what_was_stated_and_what_holds() -> None:
    shown = info.spell(page(refusal(7, "BG"), refusal(9, "Größe 漢\u202e;" + "y" * 40, "DETRET-6")))
    assert shown["records"] == [
        {
            "number": 7,
            "employer": "BG",
            "insured": "BG",
            "reference": "BG",
            "findings": [{"code": "DETRET-TELEWORK-STATE", "field": "ResidenceCountry", "value": "BG"}],
        },
        {
            "number": 9,
            "employer": (cut := "Größe ??;" + "y" * 14 + "…"),
            "insured": cut,
            "reference": cut,
            "findings": [{"code": "DETRET-6", "field": "ResidenceCountry", "value": cut}],
        },
    ]
    told = shown["codes"]
    assert isinstance(told, list)
    assert [one["code"] for one in told] == ["DETRET-TELEWORK-STATE", "DETRET-6"]
    assert [said["lang"] for said in told[0]["said"]] == ["fr", "de", "en"]
    limits = shown["telework"]
    assert isinstance(limits, dict)
    assert (limits["least"], limits["below"], limits["months"]) == (25, 50, 36)
    assert (limits["received"], limits["oldest"]) == ("20.08.2026", "20.05.2026")
    states = [state for row in limits["signatories"] for state in row["states"]]
    assert sorted(states) == sorted(law(Received(AT)).signatories)
    assert limits["signatories"][-1] == {"since": "01.02.2026", "states": ["EE"]}


def test_limits_of_telework_stand_only_beside_telework() -> None:
    assert info.spell(page(refusal(1, "x", "DETRET-9")))["telework"] is None


def test_a_long_list_is_cut_and_says_so() -> None:
    many = [refusal(number, "BG") for number in range(1, info.MOST_RECORDS + 51)]
    shown = info.spell(page(*many))
    assert (len(many) - shown["more"], shown["more"]) == (info.MOST_RECORDS, 50)  # type: ignore[operator]
    assert typeset("info", shown, AT).startswith(b"%PDF-")


@pytest.mark.parametrize("code", ["DETRET-1", "DETRET-5", "DETRET-11", "DETRET-KNOWN", "MANDATE-EMPLOYER"])
def test_there_is_no_page_about_other_codes(code: str) -> None:
    assert info.of(HEADER, [refusal(1, "x", code)]) is None


def test_there_is_no_page_about_telework_before_the_agreement() -> None:
    early = Received(AT.replace(year=2023, month=6))
    deposit = wire.DepositReference("1", "SECU.DEMDET.XML", 1, "0" * 64, early)
    header = replace(HEADER, deposit=deposit)
    assert info.of(header, [refusal(1, "x")]) is None
    assert info.of(header, [refusal(1, "x", "DETRET-6")]) is not None
