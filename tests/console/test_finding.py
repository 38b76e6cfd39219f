"""Finding what somebody calls about, and what cannot be meant."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.console.finding import (
    LONGEST_QUESTION,
    PAGE,
    Found,
    NotUnderstood,
    Question,
    find,
    understand,
)
from adapters.console.life import life, told
from gateway.matricule import is_person
from gateway.procedures.declaration.held import EXPIRED
from tests.flow.premises import someone
from tests.house import (
    EMPLOYER,
    INSURED,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    House,
    Outcome,
    Sender,
    entry,
    wage,
)


def looked_for(home: House, text: str, first: date | None = None, last: date | None = None) -> Found:
    with home.gateway.database.read() as connection:
        return find(connection, understand(text, first, last))


def ids(found: Found) -> set[str]:
    return {row.kept.deposit.id for row in found.rows}


@pytest.fixture(scope="module")
def mine(open_home: House, visitor: Sender) -> Outcome:
    open_home.affiliate(INSURED)
    return open_home.send(
        visitor, "DECSAL", [wage(), wage(someone()), wage(INSURED, Period="2026-06", WorkHours="999")]
    )


@pytest.fixture(scope="module")
def theirs(open_home: House, neighbour: Sender) -> Outcome:
    return open_home.send(neighbour, "DECAFF", [entry(someone(), OTHER_EMPLOYER)])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "862eb0b7-0bc4-4975-b23a-410eb200ed49",
            Question(references=("862eb0b7-0bc4-4975-b23a-410eb200ed49",)),
        ),
        ("862EB0B7", Question(references=("862eb0b7",))),
        ("98086526", Question(references=("98086526",))),
        ("secu.decsal.2026", Question(names=("SECU.DECSAL.2026",))),
        ("SECU.DECSAL…", Question(names=("SECU.DECSAL",))),
        (str(MEMBER), Question(members=(str(MEMBER),))),
        (EMPLOYER, Question(employers=(EMPLOYER,))),
        (INSURED, Question(persons=(INSURED,))),
        ("decsal", Question(procedures=("DECSAL",))),
        ("Fiduciaire Weber", Question(texts=("Fiduciaire", "Weber"))),
        ("", Question()),
    ],
)
def test_words_are_understood(text: str, found: Question):
    assert understand(text) == found


def test_a_matricule_heard_wrong_is_told_at_once():
    wrong = INSURED[:5] + INSURED[6] + INSURED[5] + INSURED[7:]
    with pytest.raises(NotUnderstood) as refused:
        understand(wrong)
    assert (refused.value.word, refused.value.why) == (wrong, "check-digits")


@given(st.text(max_size=2 * LONGEST_QUESTION))
def test_no_text_breaks_the_question(text: str):
    try:
        question = understand(text)
    except NotUnderstood as refused:
        assert refused.word in text
    else:
        assert all(map(is_person, question.persons))


def test_the_same_deposit_is_found_by_everything_that_is_true_of_it(
    open_home: House, mine: Outcome, theirs: Outcome
):
    deposit = mine.kept.deposit
    answer = open_home.gateway.outbox.collection.after(str(MEMBER), 0, 1000)[0].answer
    for text in (
        deposit.id,
        deposit.id[:8],
        deposit.name,
        deposit.name[:24],
        answer.id if answer.deposit == deposit.id else deposit.id,
        str(MEMBER),
        EMPLOYER,
        INSURED,
        f"DECSAL {EMPLOYER}",
        f"Member {MEMBER}",
    ):
        found = ids(looked_for(open_home, text))
        assert deposit.id in found, text
        assert theirs.kept.deposit.id not in found or text == "DECSAL", text


def test_an_answer_leads_to_its_deposit(open_home: House, mine: Outcome):
    listed = open_home.gateway.outbox.collection.after(str(MEMBER), 0, 1000)
    for one in listed:
        if one.answer.deposit == mine.kept.deposit.id:
            assert mine.kept.deposit.id in ids(looked_for(open_home, one.answer.name))
            assert mine.kept.deposit.id in ids(looked_for(open_home, one.answer.id))


def test_all_of_a_question_has_to_be_true(open_home: House, mine: Outcome):
    assert ids(looked_for(open_home, f"{mine.kept.deposit.name} {OTHER_MEMBER}")) == set()
    assert ids(looked_for(open_home, f"{INSURED} DECAFF")) == set()


def test_a_day_bounds_the_search(open_home: House, mine: Outcome):
    from gateway.moments import Received  # noqa: PLC0415

    day = Received(mine.kept.deposit.received).day
    name = mine.kept.deposit.name
    assert ids(looked_for(open_home, name, day, day)) == {mine.kept.deposit.id}
    assert ids(looked_for(open_home, name, day + timedelta(days=1))) == set()
    assert ids(looked_for(open_home, name, None, day - timedelta(days=1))) == set()


def test_an_empty_question_finds_nothing(open_home: House, mine: Outcome):
    assert looked_for(open_home, "") == Found((), None)


@pytest.mark.parametrize("word", ["%", "_", "Member%", "x' OR '1'='1", "\\"])
def test_what_means_something_to_a_database_is_text_here(open_home: House, mine: Outcome, word: str):
    assert ids(looked_for(open_home, word)) == set()


def test_where_a_person_stands_is_told(open_home: House, mine: Outcome):
    (row,) = [
        one for one in looked_for(open_home, INSURED).rows if one.kept.deposit.id == mine.kept.deposit.id
    ]
    assert [(one.register, one.record, one.when, one.state) for one in row.traces] == [
        ("wage", 1, "2026-07", "current")
    ]


def test_who_is_on_hold_and_nowhere_insured_is_found(open_home: House, visitor: Sender):
    waits = someone()
    sent = open_home.send(visitor, "DECSAL", [wage(waits)])
    assert sent.acknowledgement.held == 1
    (row,) = looked_for(open_home, waits).rows
    assert row.traces[0].state == "held"


def test_pages_follow_each_other_without_a_gap(open_home: House, neighbour: Sender):
    sent = {
        open_home.receive(neighbour, open_home.name("DECSAL", OTHER_MEMBER), b"junk %d" % number).deposit
        for number in range(PAGE + 3)
    }
    question = understand(f"{OTHER_MEMBER}")
    seen: list[str] = []
    before = None
    with open_home.gateway.database.read() as connection:
        for _ in range(5):
            found = find(connection, question, before)
            seen += [row.kept.deposit.id for row in found.rows]
            before = found.before
            if before is None:
                break
    assert len(seen) == len(set(seen))
    assert sent <= set(seen)


def test_the_life_of_a_deposit_is_whole(open_home: House, mine: Outcome):
    with open_home.gateway.database.read() as connection:
        found = life(connection, mine.kept.deposit.id)
        records = told(connection, mine.kept.deposit.id)
    assert found is not None and records is not None
    assert found.steps[0].event == "received https"
    assert "treated" in {step.event for step in found.steps}
    assert {one.kind for one in found.answers} == {"ACKREC", "ACKTRT", "SALRET"}
    assert found.signer is not None and str(MEMBER) in found.signer.subject
    assert [(one.employer, one.allowed) for one in found.decisions] == [(EMPLOYER, True)]
    assert {(one.code.key, one.records) for one in found.codes} == {("SALRET-11", 1), ("SALRET-HELD", 1)}
    assert {(one.anomaly.record, one.code.key) for one in records} == {(2, "SALRET-HELD"), (3, "SALRET-11")}
    assert EXPIRED not in {one.code.key for one in found.codes}


def test_what_does_not_exist_has_no_life(open_home: House):
    with open_home.gateway.database.read() as connection:
        assert life(connection, "00000000-0000-4000-8000-000000000000") is None
