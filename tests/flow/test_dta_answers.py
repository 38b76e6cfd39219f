"""Returns as the operator's `.dta` files, for members who asked for them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.database.members import ALL
from gateway import dta, dta_answers, names, wire
from gateway.agreement import Agreement, Spelling
from gateway.batch import Record
from gateway.client.seals import GOOD, seal_verdict
from gateway.moments import Received
from gateway.outcome import Refusal
from gateway.procedures import procedure
from gateway.returns import salret
from signing.container import open_container
from tests.flow.premises import someone
from tests.flow.test_container_deposits import FIRST, WAGE
from tests.forms.samples import DAY
from tests.house import EMPLOYER, INSURED, MEMBER, House, Outcome, Sender, wage
from xsd import catalogue

FORM = catalogue().form("DECSAL", "1.0", DAY)


@pytest.fixture(scope="module")
def reader(home: House, sender: Sender) -> Sender:
    """A member who asked for `.dta` answers."""
    agreed = Agreement(ALL, answers=Spelling.DTA)
    home.gateway.members.agree(sender.member, agreed, Received(home.clock()))
    return sender


def lines(home: House, outcome: Outcome, kind: str) -> list[str]:
    """The records of a `.dta` answer, after its seal and its names have been looked at."""
    content = outcome.answers[kind]
    assert seal_verdict(content, home.seals) == GOOD
    ((name, file),) = open_container(content).files.items()
    begin, member, stamp = name.removesuffix(".dta").split(".")[0], *name.split(".")[1].split("_", 2)[:2]
    assert (begin, member, stamp) == (kind, MEMBER.matricule, MEMBER.number)
    first, *records, end = file.decode("ascii").split("\r\n")
    assert (first, end) == (FIRST.strip(), "")
    return records


def test_a_wage_comes_back_as_it_was_sent_behind_its_code(home: House, reader: Sender) -> None:
    home.affiliate(insured := someone())
    good = WAGE.replace(INSURED, insured)
    bad = good.replace("202607;300000;160;0;0;0;0;0;0", "202605;300000;160;0;0;0;0;0;8")
    outcome = home.send_files(reader, "DECSAL", {"DECSAL.dta": (FIRST + good + bad).encode()})
    assert (outcome.verdict, outcome.codes) == ("partial", ["SALRET-7"])
    [record] = lines(home, outcome, "SALRET")
    assert record == bad.strip().replace("1;", "1;7;", 1)
    assert etree.fromstring(outcome.answers["ACKTRT"]).findtext("{*}Return", "").endswith(".ASICE")
    assert not home.findings()


def test_a_record_with_two_faults_comes_back_once_for_each(home: House, reader: Sender) -> None:
    outcome = home.send(
        reader, "DECSAL", [wage(someone(), Period="2031-01", InactiveHours="8", Reference="A-1")]
    )
    first, second = (record.split(";") for record in lines(home, outcome, "SALRET"))
    assert (first[1], second[1]) == ("9", "7")
    assert first[2:] == second[2:]
    assert first[-1] == "A-1"


def test_what_has_no_dta_layout_stays_xml(home: House, reader: Sender) -> None:
    outcome = home.send(reader, "DECSAL", [wage(someone(), Period="2031-01")])
    assert etree.fromstring(outcome.answers["ACKREC"]) is not None
    assert etree.fromstring(outcome.answers["ACKTRT"]) is not None


HOSTILE = st.text(st.sampled_from(list(';\r\n"=+@-\x00\x1f\x7fé\u2028 Az09.,')), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(procedure("DECSAL").form.fields), HOSTILE, max_size=8))
def test_nothing_a_sender_wrote_ends_a_field_or_a_record(fields: Mapping[str, str]) -> None:
    record = Record(1, None, fields)
    anomaly = procedure("DECSAL").form.anomaly(record, "SALRET-99", "Reference")
    header = wire.AnswerHeader(MEMBER, "test", Received.parse("2026-08-03T07:15:00.000000Z").at)
    document = salret.write(salret.of(header, [Refusal(record, (anomaly,))]))
    written = dta_answers.spell(document, MEMBER, DAY)
    assert written is not None
    first, line, end = written.split(b"\r\n")
    assert (first, end) == (FIRST.strip().encode(), b"")
    parts = line.decode("ascii").split(";")
    assert len(parts) == 21
    assert parts[:2] == ["1", "99"]
    assert all(part.isprintable() and '"' not in part for part in parts)
    assert not any(part.startswith(("=", "+", "@")) for part in parts)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "Employer": st.just(EMPLOYER),
            "Insured": st.just(INSURED),
            "Period": st.dates().map(lambda day: f"{day:%Y-%m}").filter(lambda text: len(text) == 7),
            "BaseWage": st.integers(0, 10**9 - 1).map(lambda cents: f"{cents // 100}.{cents % 100:02d}"),
            "WorkHours": st.integers(0, 372).map(str),
            "Reference": st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True),
        },
    )
)
def test_a_refused_record_can_be_read_back_whole(fields: dict[str, str]) -> None:
    line = dta.write_answer(MEMBER, [(("4",), fields)], FORM).decode().split("\r\n")[1].split(";")
    sent = ";".join((line[0], *line[2:]))
    again = dta.read(f"{FIRST}{sent}\r\n".encode(), FORM)
    assert [dict(record) for record in again.records] == [fields]


def test_a_minus_may_begin_a_number_but_no_formula() -> None:
    sent = {"Insured": "-1+cmd|' /C calc'!A0", "BaseWage": "-100.00", "Reference": "-"}
    line = dta.write_answer(MEMBER, [(("4",), sent)], FORM).decode().split("\r\n")[1].split(";")
    assert [part for part in line if part.startswith(("-", "?"))] == ["?1+cmd|' /C calc'!A0", "-100.00", "-"]


def test_the_name_is_the_operators() -> None:
    stamp = names.stamp(Received.parse("2026-08-03T07:15:00.120000Z").at)
    assert (
        dta_answers.file_name("SALRET", MEMBER, stamp) == "SALRET.2099990001299_100001_20260803-09150012.dta"
    )
