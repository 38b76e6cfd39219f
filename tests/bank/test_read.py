"""Files of the bank, good ones of several versions and a collection of bad ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.bank.read import BankFileRefused, read
from gateway.payments import Payment, PaymentAnomaly
from tests.bank.statements import OURS, Booked, Told, account, camt

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").iterdir())
VERSIONS = [f"camt.{message}.001.{version:02d}" for message in ("053", "054") for version in range(2, 13)]
EMPLOYER = "2099990001299"


def payments(raw: bytes) -> list[Payment]:
    return [payment for report in read(raw, OURS) for payment in report.payments]


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_file_is_refused_for_the_reason_in_its_name(file: Path) -> None:
    with pytest.raises(BankFileRefused) as refused:
        read(file.read_bytes(), OURS)
    assert refused.value.key == file.stem.rsplit(".", 1)[1]
    assert 0 < len(refused.value.reason) <= 300


def test_the_collection_has_every_reason_but_size() -> None:
    assert {file.stem.rsplit(".", 1)[1] for file in BAD} == {
        "BANK-XML",
        "BANK-MESSAGE",
        "BANK-FORM",
        "BANK-ACCOUNT",
        "BANK-BALANCE",
    }


def test_a_file_that_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(BankFileRefused, match="BANK-SIZE"):
        read(b" " * 100_000_001, OURS)


@pytest.mark.parametrize("message", VERSIONS)
def test_every_version_tells_the_same(message: str) -> None:
    raw = camt(
        [
            Booked(
                300_00,
                [
                    Told(100_00, "2099 9900 012 99", reference="T1", end_to_end="E2E-1"),
                    Told(200_00, structured="RF382099990001299", name="Kleine Firma", iban=account(7)),
                ],
                reference="E1",
            ),
            Booked(
                -5_00,
                [Told(reason="AM04", end_to_end="202601-0000007", mandate="M-1")],
                reference="E2",
                code="PMNT/IDDT/UPDD",
            ),
        ],
        message,
    )
    (report,) = read(raw, OURS)
    assert (report.id, report.message, report.account) == ("STMT-1", message, OURS)
    first, second, back = report.payments
    assert first == Payment(
        reference="20260310/T1/10000",
        entry="20260310/E1/30000",
        account=OURS,
        booked=date(2026, 3, 10),
        value=date(2026, 3, 10),
        amount=100_00,
        name="Société fictive",
        iban=account(1),
        remittance="2099 9900 012 99",
        end_to_end="E2E-1",
        family="RCDT",
    )
    assert (second.reference, second.amount) == ("20260310/E1.2/20000", 200_00)
    assert (second.name, second.iban, second.structured) == ("Kleine Firma", account(7), "RF382099990001299")
    assert (back.amount, back.returned, back.end_to_end, back.mandate) == (
        -5_00,
        "AM04",
        "202601-0000007",
        "M-1",
    )


def test_the_texts_of_banks_are_read_whole() -> None:
    lines = ["COTISATIONS 209999", "0001299", "a < b & c > d 'é'"]
    (one,) = payments(camt([Booked(1, [Told(text=lines, end_to_end="NOTPROVIDED")])]))
    assert one.remittance == "COTISATIONS 209999 0001299 a < b & c > d 'é'"
    assert one.end_to_end is None


def test_only_booked_entries_about_money_are_taken() -> None:
    raw = camt([Booked(1, status="PDNG"), Booked(2, status="INFO"), Booked(0), Booked(3)], "camt.054.001.08")
    assert [one.amount for one in payments(raw)] == [3]


def test_details_that_do_not_add_up_are_kept_whole() -> None:
    short = Booked(300, [Told(100), Told(199)], reference="E1")
    without = Booked(300, [Told(text=EMPLOYER), Told(text=EMPLOYER)], reference="E2")
    dollars = Booked(300, [Told(100), Told(200, currency="USD")], reference="E3")
    for entry in (short, without, dollars):
        (one,) = payments(camt([entry]))
        assert (one.amount, one.anomaly, one.parts) == (300, PaymentAnomaly.SUM, 2)


def test_another_currency_and_parts_of_a_cent_are_held() -> None:
    raw = camt(
        [
            Booked(500, currency="USD", reference="D"),
            Booked(100, written="1.005", reference="C"),
            Booked(7),
        ],
        "camt.054.001.08",
    )
    (report,) = read(raw, OURS)
    assert [(one.amount, one.anomaly) for one in report.held] == [
        ("5.00 USD", PaymentAnomaly.CURRENCY),
        ("1.005 EUR", PaymentAnomaly.CURRENCY),
    ]
    assert [one.amount for one in report.payments] == [7]


def test_amounts_as_banks_write_them_are_exact() -> None:
    raw = camt(
        [Booked(1_10, written="1.1"), Booked(7_00, written="7"), Booked(90071992547409_93)], "camt.054.001.02"
    )
    assert [one.amount for one in payments(raw)] == [1_10, 7_00, 90071992547409_93]


def test_a_reversal_is_booked_in_its_own_direction() -> None:
    (one,) = payments(camt([Booked(-500, reversal=True, reference="R")]))
    assert one.amount == -500


def test_a_return_without_a_reason_is_one() -> None:
    raw = camt([Booked(-500, [Told(end_to_end="X")], reference="R", code="PMNT/IDDT/UPDD")])
    assert [one.returned for one in payments(raw)] == ["MS03"]


def test_a_batch_told_as_a_sum_names_our_batch() -> None:
    (one,) = payments(camt([Booked(500, reference="B", code="PMNT/IDDT/ESDD", batch=("DD-1-1", 3))]))
    assert (one.batch, one.parts, one.amount) == ("DD-1-1", 3, 500)


def test_bookings_alike_are_several_and_have_the_same_keys_in_both_messages() -> None:
    alike = [Booked(500, [Told(text=EMPLOYER)]), Booked(500, [Told(text=EMPLOYER)])]
    in_statement = [one.reference for one in payments(camt(alike))]
    in_notification = [one.reference for one in payments(camt(alike, "camt.054.001.02"))]
    assert len(set(in_statement)) == 2
    assert in_statement == in_notification


def test_good_files_of_banks_are_read() -> None:
    told = {
        file.stem: [(one.amount, one.parts) for one in payments(file.read_bytes())]
        for file in sorted((HERE / "good").iterdir())
    }
    assert told == {
        "notification-of-a-batch.054.04": [(300_00, 1), (500_00, 1)],
        "statement-of-a-luxembourg-bank.053.02": [(3812_40, 1), (500_00, 1), (-12_00, 1)],
        "statement-of-a-luxembourg-bank.053.08": [(3812_40, 1), (300_00, 1), (500_00, 1)],
    }


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300) | st.integers(2, 900).map(lambda cut: camt([Booked(5)])[:-cut]))
def test_whatever_is_sent_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(BankFileRefused):
        read(raw, OURS)
