"""Bytes in, acknowledgement out: the whole path on real premises, without doors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from lxml import etree

from gateway.batch import Anomaly
from gateway.matricule import is_employer
from gateway.moments import Received
from gateway.rejections import LANGUAGES, REJECTIONS
from gateway.returns import ackrec, acktrt
from tests.flow.premises import (
    affiliations,
    answers,
    kinds,
    registered,
    rows,
    someone,
    texts,
    wages,
)
from tests.house import (
    EMPLOYER,
    FOREIGN_EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    House,
    Sender,
    entry,
    person,
    wage,
)

Fields = Mapping[str, str]
UNKNOWN_EMPLOYER = "2099999000399"
WRONG_INSURED = "1893120105733"
PROCEDURES = ("DEMMAT", "DECAFF", "DECSAL")
RETURNS = {"DEMMAT": "MATRET", "DECAFF": "AFFRET", "DECSAL": "SALRET"}


def spell(number: int) -> str:
    """A number in letters, as a name must be."""
    return "".join(chr(ord("A") + int(digit)) for digit in str(number))


_born = iter(range(1, 10_000))


def good(home: House, code: str) -> Fields:
    """A record that takes effect, about somebody new."""
    if code == "DEMMAT":
        return person(Surname=f"MUSTER{spell(next(_born))}")
    insured = someone()
    if code == "DECSAL":
        home.affiliate(insured)
        return wage(insured)
    return entry(insured)


def bad(code: str) -> Fields:
    """A record that is refused."""
    if code == "DEMMAT":
        return person(Nationality="US")
    return wage(WRONG_INSURED) if code == "DECSAL" else entry(WRONG_INSURED)


REFUSED = {"DEMMAT": "MATRET-5", "DECAFF": "AFFRET-1", "DECSAL": "SALRET-3"}


def in_force(home: House, code: str, record: Fields) -> bool:
    """Whether a good record stands in its register."""
    if code == "DEMMAT":
        found = rows(home, "SELECT 1 FROM person WHERE surname = :name", name=record["Surname"])
        return len(found) == 1
    if code == "DECAFF":
        return affiliations(home, record["Insured"]) == [("2026-07-01", None)]
    return wages(home, record["Insured"]) == [("current", 381240)]


# verdicts


@pytest.mark.parametrize("code", PROCEDURES)
def test_a_good_batch_takes_effect_and_is_accepted(home: House, sender: Sender, code: str) -> None:
    record = good(home, code)
    outcome = home.send(sender, code, [record])
    assert (outcome.verdict, outcome.kept.state, outcome.codes) == ("accepted", "done", [])
    assert in_force(home, code, record)
    known = outcome.acknowledgement
    assert (known.records, known.accepted, known.rejected, known.held) == (1, 1, 0, 0)
    assert (known.anomalies, known.explanations) == ((), ())
    expected = ["ACKREC", "MATASS", "ACKTRT"] if code == "DEMMAT" else ["ACKREC", "ACKTRT"]
    assert kinds(answers(home, outcome.kept.deposit.id)) == expected


@pytest.mark.parametrize("code", PROCEDURES)
def test_a_batch_with_good_and_bad_records_is_accepted_in_part(
    home: House, sender: Sender, code: str
) -> None:
    first, last = good(home, code), good(home, code)
    outcome = home.send(sender, code, [first, bad(code), last])
    assert (outcome.verdict, outcome.kept.state, outcome.codes) == ("partial", "done", [REFUSED[code]])
    assert in_force(home, code, first)
    assert in_force(home, code, last)
    known = outcome.acknowledgement
    assert (known.records, known.accepted, known.rejected, known.held) == (3, 2, 1, 0)
    given_back = outcome.answers[RETURNS[code]]
    assert etree.fromstring(given_back).xpath("//@record") == ["2"]
    assert texts(given_back, "Rejected/Code") == [REJECTIONS[REFUSED[code]].official or REFUSED[code]]


@pytest.mark.parametrize("code", PROCEDURES)
def test_a_batch_of_bad_records_is_refused(home: House, sender: Sender, code: str) -> None:
    before = registered(home)
    outcome = home.send(sender, code, [bad(code)])
    assert (outcome.verdict, outcome.kept.state, outcome.codes) == ("rejected", "done", [REFUSED[code]])
    known = outcome.acknowledgement
    assert (known.records, known.accepted, known.rejected, known.held) == (1, 0, 1, 0)
    assert registered(home) == before
    assert set(outcome.answers) == {"ACKREC", RETURNS[code], "ACKTRT"}


@pytest.mark.parametrize("code", PROCEDURES)
def test_a_return_gives_back_what_was_sent(home: House, sender: Sender, code: str) -> None:
    record = {**bad(code), "Reference": "Zeile 7 / A"}
    given_back = home.send(sender, code, [record]).answers[RETURNS[code]]
    (part,) = etree.fromstring(given_back).iterfind("{*}Rejected")
    fields = {etree.QName(field).localname: field.text for field in part}
    assert fields.pop("Code")
    assert fields == record


def test_the_acknowledgement_names_deposit_mandate_returns_and_journal(home: House, sender: Sender) -> None:
    record = good(home, "DECSAL")
    content = home.batch(sender, "DECSAL", [record, bad("DECSAL")])
    name = home.name("DECSAL", sender.member)
    receipt = home.receive(sender, name, content)
    outcome = home.outcome(sender, receipt.deposit)
    known = outcome.acknowledgement
    quoted = known.header.deposit
    assert quoted is not None
    assert (quoted.id, quoted.name, quoted.size) == (receipt.deposit, name, len(content))
    assert quoted.digest == hashlib.sha256(content).hexdigest()
    assert quoted.received == Received(outcome.kept.deposit.received)
    assert ackrec.read(etree.fromstring(receipt.content)).header.deposit == quoted
    assert known.header.recipient == MEMBER
    (mandate,) = rows(home, "SELECT number FROM mandate WHERE member = :member", member=str(MEMBER))
    (decision,) = rows(
        home,
        "SELECT c.id, c.employer, c.procedure, c.records, c.mandate, c.allowed FROM decision c"
        " JOIN deposit d ON d.number = c.deposit WHERE d.id = :id",
        id=receipt.deposit,
    )
    assert decision == {
        "id": decision["id"],
        "employer": EMPLOYER,
        "procedure": "DECSAL",
        "records": known.records,
        "mandate": mandate["number"],
        "allowed": 1,
    }
    (told,) = known.decisions
    assert told == acktrt.Decision(EMPLOYER, "DECSAL", decision["records"], mandate["number"], decision["id"])
    posted = rows(home, "SELECT name FROM answer WHERE deposit = :id AND kind = 'SALRET'", id=receipt.deposit)
    assert list(known.returns) == [row["name"] for row in posted]
    for event, entered in (
        ("received https", ackrec.read(etree.fromstring(receipt.content)).journal),
        ("treated", known.journal),
    ):
        (line,) = rows(home, "SELECT * FROM journal WHERE sequence = :sequence", sequence=entered.sequence)
        assert (line["event"], line["subject"], line["hash"]) == (event, receipt.deposit, entered.hash)


# every fault at once


def line_with(content: bytes, opening: str, nth: int) -> int:
    """The line on which the nth of some opening tags stands."""
    found = [number for number, line in enumerate(content.decode().splitlines(), 1) if opening in line]
    return found[nth - 1]


def indented(home: House, sender: Sender, code: str, records: Sequence[Fields]) -> bytes:
    """A signed batch, written over many lines as programs do."""
    root = home.plain(sender, code, records)
    etree.indent(root, "\t")
    return sender.signer.sign(root, home.clock())


def test_all_anomalies_come_back_at_once_and_say_where(home: House, sender: Sender) -> None:
    best = good(home, "DECSAL")
    records = [
        best,
        wage(BaseWage="12,50", WorkHours="neun"),
        wage(WRONG_INSURED, FOREIGN_EMPLOYER, Period="2099-12", WorkHours="400"),
        wage(someone(), "2099990001399", OvertimeHours="5", InactiveHours="8"),
        {name: text for name, text in wage(someone()).items() if name != "BaseWage"},
    ]
    content = indented(home, sender, "DECSAL", records)
    receipt = home.receive(sender, home.name("DECSAL", sender.member), content)
    outcome = home.outcome(sender, receipt.deposit)

    def at(record: int) -> int:
        return line_with(content, "<Wage>", record)

    def inside(record: int, field: str) -> int:
        return next(
            number
            for number, line in enumerate(content.decode().splitlines(), 1)
            if number > at(record) and f"<{field}>" in line
        )

    def due(code: str, record: int, field: str, line: int, value: str | None) -> Anomaly:
        return Anomaly(code, record, field, f"/DECSAL/Wage[{record}]/{field}", line, value)

    assert list(outcome.acknowledgement.anomalies) == [
        due("SALRET-4", 2, "BaseWage", inside(2, "BaseWage"), "12,50"),
        due("SALRET-4", 2, "WorkHours", inside(2, "WorkHours"), "neun"),
        due("MANDATE-EMPLOYER", 3, "Employer", at(3), FOREIGN_EMPLOYER),
        due("SALRET-3", 3, "Insured", at(3), WRONG_INSURED),
        due("SALRET-9", 3, "Period", at(3), "2099-12"),
        due("SALRET-11", 3, "WorkHours", at(3), "400"),
        due("SALRET-2", 4, "Employer", at(4), "2099990001399"),
        due("SALRET-8", 4, "OvertimeHours", at(4), "5"),
        due("SALRET-7", 4, "InactiveHours", at(4), "8"),
        due("SALRET-4", 5, "BaseWage", at(5), None),
    ]
    assert outcome.verdict == "partial"
    assert in_force(home, "DECSAL", best)
    returned = etree.fromstring(outcome.answers["SALRET"])
    assert [part.get("record") for part in returned.iterfind("{*}Rejected")] == ["2", "3", "4", "5"]


def test_a_record_that_breaks_its_form_is_refused_alone(home: House, sender: Sender) -> None:
    """Decision 2: as many kinds of broken records as there are, and the good ones between them."""
    first, last = good(home, "DECSAL"), good(home, "DECSAL")
    root = home.plain(sender, "DECSAL", [first, wage(), wage(), wage(), wage(), last])
    broken = root.findall("{*}Wage")[1:5]
    etree.SubElement(broken[0], "{urn:secugate:1}Bonus").text = "1.00"
    broken[1].append(broken[1][0])
    broken[2].set("id", "7")
    broken[3][3].text = "1e3"
    content = sender.signer.sign(root, home.clock())
    receipt = home.receive(sender, home.name("DECSAL", sender.member), content)
    outcome = home.outcome(sender, receipt.deposit)
    assert outcome.verdict == "partial"
    assert [anomaly.record for anomaly in outcome.acknowledgement.anomalies] == [2, 3, 4, 5]
    assert outcome.codes == ["SALRET-99", "SALRET-99", "SALRET-99", "SALRET-4"]
    assert in_force(home, "DECSAL", first)
    assert in_force(home, "DECSAL", last)


def test_each_code_is_explained_once_in_three_languages(home: House, sender: Sender) -> None:
    records = [wage(WRONG_INSURED), wage(WRONG_INSURED, Reference="2"), wage(employer=FOREIGN_EMPLOYER)]
    known = home.send(sender, "DECSAL", records).acknowledgement
    codes = [explanation.code for explanation in known.explanations]
    assert codes == list(dict.fromkeys(anomaly.code for anomaly in known.anomalies))
    assert {"SALRET-3", "MANDATE-EMPLOYER"} <= set(codes)
    for explanation in known.explanations:
        row = REJECTIONS[explanation.code]
        assert tuple(explanation.texts) == tuple(explanation.remedies) == LANGUAGES == ("fr", "de", "en")
        assert (dict(explanation.texts), dict(explanation.remedies)) == (row.texts, row.remedies)
        assert len({*explanation.texts.values(), *explanation.remedies.values()}) == 6
        assert (explanation.official, explanation.legal_basis) == (row.official, row.legal_basis)


# names and repeats


def test_the_same_bytes_again_get_the_same_receipt_and_have_one_effect(home: House, sender: Sender) -> None:
    record = good(home, "DECSAL")
    content = home.batch(sender, "DECSAL", [record])
    name = home.name("DECSAL", sender.member)
    first = home.receive(sender, name, content)
    early = home.receive(sender, name, content)
    home.wait(sender, first.deposit)
    late = home.receive(sender, name, content, door="sftp")
    renamed = home.receive(sender, home.name("DECSAL", sender.member), content)
    nameless = home.receive(sender, "again.xml", content)
    assert not first.repeated
    for again in (early, late, renamed, nameless):
        assert again == replace(first, repeated=True)
    assert kinds(answers(home, first.deposit)) == ["ACKREC", "ACKTRT"]
    assert in_force(home, "DECSAL", record)
    digest = hashlib.sha256(content).hexdigest()
    assert len(rows(home, "SELECT 1 FROM deposit WHERE digest = :digest", digest=digest)) == 1
    seen = rows(home, "SELECT event FROM journal WHERE digest = :digest ORDER BY sequence", digest=digest)
    assert [row["event"] for row in seen] == [
        "received https",
        "repeated https",
        "repeated sftp",
        "repeated https",
        "repeated https",
    ]


def test_the_same_bytes_from_many_sides_at_once_are_one_deposit(home: House, sender: Sender) -> None:
    record = good(home, "DECSAL")
    content = home.batch(sender, "DECSAL", [record])
    names = [home.name("DECSAL", sender.member) for _ in range(12)]
    with ThreadPoolExecutor(6) as many:
        receipts = list(many.map(lambda name: home.receive(sender, name, content), names))
    assert len({(receipt.deposit, receipt.content) for receipt in receipts}) == 1
    assert sum(not receipt.repeated for receipt in receipts) == 1
    home.wait(sender, receipts[0].deposit)
    assert in_force(home, "DECSAL", record)
    assert list(home.gateway.spool.incoming.iterdir()) == []


def test_a_repeat_of_what_was_refused_is_a_repeat(home: House, sender: Sender) -> None:
    name = home.name("DECSAL", sender.member)
    first = home.receive(sender, name, b"not XML, once")
    assert home.outcome(sender, first.deposit).codes == ["FILE-NOT-XML"]
    assert home.receive(sender, name, b"not XML, once") == replace(first, repeated=True)
    assert kinds(answers(home, first.deposit)) == ["ACKREC", "FAIL", "ACKTRT"]


def test_another_member_s_bytes_are_not_a_repeat(home: House, sender: Sender, other: Sender) -> None:
    """Who sends what somebody else has signed learns nothing of it, and nothing is counted twice."""
    record = good(home, "DECSAL")
    content = home.batch(sender, "DECSAL", [record])
    name = home.name("DECSAL", sender.member)
    first = home.receive(sender, name, content)
    home.wait(sender, first.deposit)
    stolen = home.receive(other, name, content)
    assert stolen.deposit != first.deposit
    outcome = home.outcome(other, stolen.deposit)
    assert (outcome.verdict, outcome.codes) == ("rejected", ["FILE-SENDER", "SIG-SENDER"])
    assert in_force(home, "DECSAL", record)


def test_a_used_name_with_other_bytes(home: House, sender: Sender) -> None:
    record = good(home, "DECSAL")
    name = home.name("DECSAL", sender.member)
    first = home.receive(sender, name, home.batch(sender, "DECSAL", [record]))
    other_bytes = home.batch(sender, "DECSAL", [{**record, "BaseWage": "1.00"}])
    second = home.receive(sender, name, other_bytes)
    outcome = home.outcome(sender, second.deposit)
    assert (outcome.verdict, outcome.kept.state) == ("rejected", "rejected")
    assert list(outcome.acknowledgement.anomalies) == [Anomaly("FILE-NAME-USED", value=name)]
    assert home.wait(sender, first.deposit).state == "done"
    assert in_force(home, "DECSAL", record)
    third = home.send(sender, "DECSAL", [{**record, "Reference": "under a new name"}])
    assert third.verdict == "accepted"


def test_the_name_of_a_refused_file_is_used_as_well(home: House, sender: Sender) -> None:
    name = home.name("DECSAL", sender.member)
    home.receive(sender, name, b"something else")
    again = home.receive(sender, name, home.batch(sender, "DECSAL", [good(home, "DECSAL")]))
    assert home.outcome(sender, again.deposit).codes == ["FILE-NAME-USED"]


def test_faults_of_the_name_are_told_with_those_of_the_content(
    home: House, sender: Sender, other: Sender
) -> None:
    unsigned = etree.tostring(home.plain(sender, "DECSAL", [wage()]))
    used = home.name("DECSAL", sender.member)
    home.receive(sender, used, b"first")
    wrong_environment = sender.signer.sign(
        home.plain(sender, "DECSAL", [wage()], environment="production"), home.clock()
    )
    foreign = home.name("DECSAL", other.member)
    backwards = used.replace(str(MEMBER), "x").replace("CCSS", str(MEMBER)).replace("x", "CCSS")
    for name, content, codes in (
        ("lohn1.xml", unsigned, ["FILE-NAME", "SIG-MISSING"]),
        ("lohn2.xml", b"no XML", ["FILE-NAME", "FILE-NOT-XML"]),
        ("lohn1.xml", unsigned + b" ", ["FILE-NAME-USED", "FILE-NAME", "SIG-MISSING"]),
        (used, unsigned + b"  ", ["FILE-NAME-USED", "SIG-MISSING"]),
        (foreign, wrong_environment, ["FILE-SENDER", "FILE-ENVIRONMENT"]),
        (backwards, unsigned + b"\n", ["FILE-NAME", "SIG-MISSING"]),
        ("lohn2.xml", home.batch(sender, "DECSAL", [wage()]), ["FILE-NAME-USED", "FILE-NAME"]),
    ):
        outcome = home.outcome(sender, home.receive(sender, name, content).deposit)
        assert (outcome.verdict, outcome.codes) == ("rejected", codes), name
        assert [one.code for one in outcome.acknowledgement.explanations] == codes


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "SECU.DECSAL.20260803-09150012.2099990001299100001.CCSS.xml",
        "secu.DECSAL.20260803-09150012.2099990001299100001.CCSS.XML",
        "SECU.DECSAL.20260230-09150012.2099990001299100001.CCSS.XML",
        "SECU.DECSAL.20260803-24150012.2099990001299100001.CCSS.XML",
        "SECU.DECSAL.20260803-09150012.2099990001299100001.CCSS.XML.part",
        "SECU.DECSAL.20260803-09150012.2099990001299100001.CCSS.XML\n",
        "SECU.DECSAL.٢٠٢٦0803-09150012.2099990001299100001.CCSS.XML",
        "../../../etc/passwd",
        "\x00\x01\x7f\ufffe",
        "Löhne Août 💶.xml",
        "'; DROP TABLE deposit; --",
        "<x>&amp;]]></x>",
        "N" * 255,
    ],
)
def test_a_name_outside_the_pattern(home: House, sender: Sender, name: str) -> None:
    content = home.batch(sender, "DECSAL", [good(home, "DECSAL")])
    receipt = home.receive(sender, name, content)
    outcome = home.outcome(sender, receipt.deposit)
    assert (outcome.verdict, outcome.codes) == ("rejected", ["FILE-NAME"])
    # A text on a server cannot hold NUL (decision 0017).
    kept = name.replace("\0", "\ufffd") if home.gateway.database.is_shared else name
    assert outcome.kept.deposit.name == kept
    assert home.gateway.spool.read(receipt.deposit) == content


def test_an_odd_name_is_not_taken_for_tampering(home: House, sender: Sender) -> None:
    """A sender must not be able to make `secugate verify` cry wolf for ever."""
    for number, name in enumerate(
        ("bell\x07", "nul\0", "line\nbreak", "return\r\n", "\ufffe", "  ", "é" * 255)
    ):
        home.receive(sender, name, b"odd name %d" % number)
    assert home.findings() == ()


# what replaces what, and in which order


def test_a_later_declaration_replaces_the_earlier_one(home: House, sender: Sender) -> None:
    insured = someone()
    home.affiliate(insured)
    for amount in ("1000.00", "2000.00", "1500.00"):
        assert home.send(sender, "DECSAL", [wage(insured, BaseWage=amount)]).verdict == "accepted"
    assert wages(home, insured) == [("superseded", 100000), ("superseded", 200000), ("current", 150000)]


def test_other_days_are_another_wage(home: House, sender: Sender) -> None:
    insured = someone()
    home.affiliate(insured)
    home.send(sender, "DECSAL", [wage(insured, FirstDay="01", LastDay="15")])
    home.send(sender, "DECSAL", [wage(insured, FirstDay="16", LastDay="31", BaseWage="10.00")])
    assert wages(home, insured) == [("current", 381240), ("current", 1000)]


def test_a_refused_correction_replaces_nothing(home: House, sender: Sender) -> None:
    insured = someone()
    home.affiliate(insured)
    home.send(sender, "DECSAL", [wage(insured)])
    outcome = home.send(sender, "DECSAL", [wage(insured, BaseWage="1.00", InactiveHours="8")])
    assert (outcome.verdict, outcome.codes) == ("rejected", ["SALRET-7"])
    assert wages(home, insured) == [("current", 381240)]


def test_deposits_take_effect_in_the_order_of_their_receipt(home: House, sender: Sender) -> None:
    insured = someone()
    home.affiliate(insured)
    batches = [
        home.batch(sender, "DECSAL", [wage(insured, BaseWage=f"{number}.00")]) for number in range(1, 16)
    ]
    deposits = [
        home.receive(sender, home.name("DECSAL", sender.member), content).deposit for content in batches
    ]
    home.wait(sender, deposits[-1])
    assert [home.wait(sender, deposit).state for deposit in deposits] == ["done"] * 15
    assert wages(home, insured) == [("superseded", 100 * n) for n in range(1, 15)] + [("current", 1500)]
    treated = rows(home, "SELECT subject FROM journal WHERE event = 'treated' ORDER BY sequence")
    assert [row["subject"] for row in treated if row["subject"] in deposits] == deposits


def test_an_entry_sent_before_the_wage_is_known_to_it(home: House, sender: Sender) -> None:
    insured = someone()
    entered = home.batch(sender, "DECAFF", [entry(insured)])
    paid = home.batch(sender, "DECSAL", [wage(insured)])
    home.receive(sender, home.name("DECAFF", sender.member), entered)
    receipt = home.receive(sender, home.name("DECSAL", sender.member), paid)
    outcome = home.outcome(sender, receipt.deposit)
    assert (outcome.kept.state, outcome.acknowledgement.accepted) == ("done", 1)


# mandates


def bare(outcome_answers: Mapping[str, bytes], *hidden: str) -> list[str]:
    """Answers without what differs from deposit to deposit."""
    shown = []
    for kind in ("ACKTRT", *sorted(set(outcome_answers) - {"ACKREC", "ACKTRT"})):
        root = etree.fromstring(outcome_answers[kind])
        for part in root.findall("{*}Header") + root.findall("{*}Journal") + root.findall("{*}Signature"):
            root.remove(part)
        for returned in root.findall("{*}Return"):
            returned.text = "a name"
        for decision in root.findall("{*}Decision"):
            decision.attrib.pop("id", None)
        text = etree.tostring(root).decode()
        for word in hidden:
            text = text.replace(word, "?")
        shown.append(text)
    return shown


@pytest.mark.parametrize("code", PROCEDURES)
def test_a_foreign_employer_and_none_at_all_are_answered_alike(
    home: House, sender: Sender, other: Sender, code: str
) -> None:
    """Promise P7: nothing tells an employer of another member from one that does not exist."""
    insured = someone()
    home.affiliate(insured, employer=OTHER_EMPLOYER)
    if code == "DECSAL":
        assert home.send(other, code, [wage(insured, OTHER_EMPLOYER)]).verdict == "accepted"
    said = []
    for employer in (OTHER_EMPLOYER, FOREIGN_EMPLOYER, UNKNOWN_EMPLOYER):
        records: list[Fields] = {
            "DECSAL": [wage(insured, employer), wage(WRONG_INSURED, employer, NonPensionable="1.00")],
            "DECAFF": [
                entry(insured, employer),
                {"Kind": "exit", "Employer": employer, "Insured": insured, "Exit": "2026-07-31"},
                {
                    "Kind": "cancellation",
                    "Employer": employer,
                    "Insured": insured,
                    "PreviousEntry": "2015-01-01",
                },
            ],
            "DEMMAT": [person(Employer=employer)],
        }[code]
        before = registered(home)
        outcome = home.send(sender, code, records)
        assert (outcome.verdict, set(outcome.codes) & {"MANDATE-EMPLOYER"}) == (
            "rejected",
            {"MANDATE-EMPLOYER"},
        )
        decided = outcome.acknowledgement.decisions
        assert [(one.employer, one.procedure, one.allowed) for one in decided] == [(employer, code, False)]
        assert registered(home) == before
        said.append(bare(outcome.answers, employer))
    assert said[0] == said[1] == said[2]


def test_good_records_stand_beside_those_without_a_mandate(home: House, sender: Sender) -> None:
    record = good(home, "DECSAL")
    outcome = home.send(sender, "DECSAL", [wage(employer=OTHER_EMPLOYER), record])
    assert (outcome.verdict, outcome.codes) == ("partial", ["MANDATE-EMPLOYER"])
    decided = outcome.acknowledgement.decisions
    assert [(one.employer, one.records, one.allowed) for one in decided] == [
        (EMPLOYER, 1, True),
        (OTHER_EMPLOYER, 1, False),
    ]
    assert in_force(home, "DECSAL", record)


@pytest.mark.parametrize(
    ("first", "last", "holds"),
    [(-9, -1, False), (-9, 0, True), (0, 9, True), (1, 9, False), (0, 0, True), (-9, None, True)],
)
def test_a_mandate_holds_from_its_first_to_its_last_day(
    home: House, sender: Sender, first: int, last: int | None, holds: bool
) -> None:
    today = Received(home.clock()).day
    employer = next(_free_employers)
    home.employer(employer)
    home.gateway.members.grant(
        sender.member,
        employer,
        ["DECSAL"],
        first=today + timedelta(first),
        last=None if last is None else today + timedelta(last),
        at=Received(home.clock()),
    )
    outcome = home.send(sender, "DECSAL", [wage(someone(), employer)])
    assert outcome.codes == ([] if holds else ["MANDATE-EMPLOYER"])
    assert [(one.employer, one.allowed) for one in outcome.acknowledgement.decisions] == [(employer, holds)]


def _employers() -> Sequence[str]:
    numbers = (f"20999902{n:02d}{digit}99" for n in range(100) for digit in range(10))
    return [number for number in numbers if is_employer(number)]


_free_employers = iter(_employers())


def test_a_mandate_covers_its_procedures_only(home: House, sender: Sender) -> None:
    employer = next(_free_employers)
    home.employer(employer)
    home.gateway.members.grant(
        sender.member, employer, ["DECSAL"], first=date(2020, 1, 1), last=None, at=Received(home.clock())
    )
    assert home.send(sender, "DECSAL", [wage(someone(), employer)]).codes == []
    assert home.send(sender, "DECAFF", [entry(someone(), employer)]).codes == ["MANDATE-EMPLOYER"]
    assert home.send(sender, "DEMMAT", [person(Employer=employer)]).codes == ["MANDATE-EMPLOYER"]


def test_a_mandate_of_another_member_is_none(home: House, sender: Sender, other: Sender) -> None:
    assert home.send(other, "DECSAL", [wage(someone(), OTHER_EMPLOYER)]).verdict == "accepted"
    assert home.send(other, "DECSAL", [wage(someone(), EMPLOYER)]).codes == ["MANDATE-EMPLOYER"]
    assert home.send(sender, "DECSAL", [wage(someone(), OTHER_EMPLOYER)]).codes == ["MANDATE-EMPLOYER"]


# matricules


def numbers(content: bytes) -> list[tuple[str, str]]:
    """The matricules assigned, each with whether it existed."""
    return list(zip(texts(content, "Assigned/Insured"), texts(content, "Assigned/Existing"), strict=True))


def test_a_known_person_keeps_the_number(home: House, sender: Sender, other: Sender) -> None:
    asked = person(Surname="SCHMIT-WAGNER", FirstName="JEAN")
    ((number, existing),) = numbers(home.send(sender, "DEMMAT", [asked]).answers["MATASS"])
    assert existing == "false"
    moved = {**asked, "Street": "NEUE STRASSE", "Reference": "again"}
    assert numbers(home.send(sender, "DEMMAT", [moved]).answers["MATASS"]) == [(number, "true")]
    elsewhere = {**asked, "Employer": OTHER_EMPLOYER}
    assert numbers(home.send(other, "DEMMAT", [elsewhere]).answers["MATASS"]) == [(number, "true")]
    namesake = {**asked, "BirthDate": "1891-02-04"}
    ((another, existing),) = numbers(home.send(sender, "DEMMAT", [namesake]).answers["MATASS"])
    assert (another != number, existing) == (True, "false")
    assert number.startswith("18910203")
    assert another.startswith("18910204")


def test_the_same_person_twice_in_a_file_gets_one_number(home: House, sender: Sender) -> None:
    asked = person(Surname="WEBER", FirstName="MARIE")
    outcome = home.send(sender, "DEMMAT", [asked, {**asked, "Reference": "twice"}])
    assert (outcome.verdict, outcome.codes) == ("partial", ["MATRET-7"])
    assert len(rows(home, "SELECT 1 FROM person WHERE surname = 'WEBER'")) == 1


def test_a_person_with_a_new_number_can_be_declared(home: House, sender: Sender) -> None:
    """One month of a new employee: number, entry, wage."""
    ((number, _),) = numbers(home.send(sender, "DEMMAT", [good(home, "DEMMAT")]).answers["MATASS"])
    assert home.send(sender, "DECAFF", [entry(number)]).kept.state == "done"
    assert home.send(sender, "DECSAL", [wage(number)]).kept.state == "done"
    assert wages(home, number) == [("current", 381240)]
