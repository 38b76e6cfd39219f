"""The hash chain: any change of the register is found, and where."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signing.journal import GENESIS, Broken, Entry, Sealed, check, entry_hash

AT = datetime(2026, 8, 3, 9, 15, 0, 120_000, tzinfo=UTC)

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.text(max_size=10)
ENTRIES = st.builds(
    Entry, sequence=st.integers(1, 10**12), at=MOMENTS, event=TEXTS, subject=TEXTS, member=TEXTS, digest=TEXTS
)


def register(number: int) -> list[Sealed]:
    sealed: list[Sealed] = []
    head = GENESIS
    for sequence in range(1, number + 1):
        moment = AT + timedelta(seconds=sequence)
        entry = Entry(sequence, moment, "received", f"deposit-{sequence}", "2099990001299-000001", "ab" * 32)
        head = entry_hash(head, entry)
        sealed.append(Sealed(entry, head))
    return sealed


def broken(sealed: list[Sealed]) -> int:
    with pytest.raises(Broken) as caught:
        check(sealed)
    return caught.value.sequence


def test_an_untouched_register() -> None:
    whole = register(20)
    assert check(whole) == whole[-1].hash
    assert check(iter(whole)) == whole[-1].hash


def test_an_empty_register() -> None:
    assert check([]) == GENESIS


def test_the_encoding_is_as_written_down() -> None:
    """Another program can compute it from the description alone."""
    fields = [GENESIS, b"7", b"2026-08-03T09:15:00.120000+00:00", b"received", "é".encode(), b"", b"ab"]
    encoded = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
    entry = Entry(7, AT, "received", "é", "", "ab")
    assert entry_hash(GENESIS, entry) == hashlib.sha256(encoded).digest()


def test_the_time_zone_of_the_clock_does_not_matter() -> None:
    entry = Entry(1, AT, "received", "x", "", "")
    elsewhere = replace(entry, at=AT.astimezone(timezone(timedelta(hours=2))))
    assert entry_hash(GENESIS, entry) == entry_hash(GENESIS, elsewhere)


def test_a_moment_without_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        entry_hash(GENESIS, Entry(1, datetime(2026, 8, 3), "received", "x", "", ""))  # noqa: DTZ001


@given(ENTRIES, ENTRIES)
def test_different_entries_have_different_hashes(one: Entry, other: Entry) -> None:
    assert (entry_hash(GENESIS, one) == entry_hash(GENESIS, other)) == (one == other)


@given(st.lists(TEXTS, min_size=4, max_size=4), st.integers(0, 2), st.integers(1, 5))
def test_text_cannot_move_between_fields(texts: list[str], which: int, length: int) -> None:
    moved = list(texts)
    moved[which], moved[which + 1] = moved[which][:-length], moved[which][-length:] + moved[which + 1]
    assume(moved != texts)
    assert entry_hash(GENESIS, Entry(1, AT, *texts)) != entry_hash(GENESIS, Entry(1, AT, *moved))


CHANGES = st.sampled_from(["at", "event", "subject", "member", "digest", "sequence"])


@given(st.integers(0, 9), CHANGES, TEXTS)
def test_any_changed_field_is_found_where_it_is(place: int, field: str, text: str) -> None:
    whole = register(10)
    entry = whole[place].entry
    values = {"at": entry.at + timedelta(microseconds=1), "sequence": entry.sequence + 1}
    changed = replace(entry, **{field: values.get(field, text)})  # type: ignore[arg-type]
    assume(changed != entry)
    whole[place] = Sealed(changed, whole[place].hash)
    assert broken(whole) == place + 1


@given(st.integers(0, 9), st.integers(0, 255))
def test_any_changed_bit_of_a_hash_is_found(place: int, bit: int) -> None:
    whole = register(10)
    flipped = int.from_bytes(whole[place].hash) ^ (1 << bit)
    whole[place] = replace(whole[place], hash=flipped.to_bytes(32))
    assert broken(whole) == place + 1


def test_a_rewritten_entry_with_its_hash() -> None:
    """Who writes one hash again must write all that follow."""
    whole = register(10)
    changed = replace(whole[3].entry, subject="another")
    whole[3] = Sealed(changed, entry_hash(whole[2].hash, changed))
    assert broken(whole) == 5


def test_everything_rewritten_shows_in_the_head() -> None:
    """Not in the register itself, but in the heads that left the house."""
    whole, head = register(10), GENESIS
    for place, sealed in enumerate(whole):
        entry = replace(sealed.entry, subject="another") if place == 3 else sealed.entry
        head = entry_hash(head, entry)
        whole[place] = Sealed(entry, head)
    assert check(whole) != register(10)[-1].hash


def test_cut_at_the_end_shows_in_the_head() -> None:
    assert check(register(10)[:9]) != register(10)[-1].hash


@given(st.integers(0, 8))
def test_a_missing_entry(place: int) -> None:
    whole = register(10)
    del whole[place]
    assert broken(whole) == place + 1


@given(st.integers(0, 9))
def test_a_doubled_entry(place: int) -> None:
    whole = register(10)
    whole.insert(place, whole[place])
    assert broken(whole) == place + 2


@given(st.permutations(range(10)))
def test_another_order(order: list[int]) -> None:
    assume(order != sorted(order))
    whole = register(10)
    first = next(place for place, found in enumerate(order) if found != place)
    assert broken([whole[place] for place in order]) == first + 1


def test_a_gap_left_by_who_can_seal() -> None:
    """The hashes are right; a number is missing all the same."""
    first, *_ = register(1)
    third = replace(first.entry, sequence=3)
    assert broken([first, Sealed(third, entry_hash(first.hash, third))]) == 2


def test_an_inserted_entry() -> None:
    whole = register(10)
    entry = replace(whole[4].entry, subject="inserted")
    whole.insert(4, Sealed(entry, entry_hash(whole[3].hash, entry)))
    assert broken(whole) == 6
