"""Where effects are money the console proposes, and nothing is booked before a second person has approved."""

from __future__ import annotations

import pytest

from adapters.console.access import HOME
from tests.console.office import REASON, Office, words
from tests.flow.premises import execute, rows
from tests.house import EMPLOYER

REFERENCE = "CONSOLE-1"
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def unmatched(staffed: Office) -> Office:
    """A payment that quotes no employer."""
    execute(
        staffed.home,
        "INSERT INTO bank_file (digest, identifier, message, taken)"
        " VALUES ('d', 'i', 'camt.053.001.08', '2026-11-20T08:00:00.000000Z')",
    )
    execute(
        staffed.home,
        "INSERT INTO payment (reference, entry, file, booked, value, amount, name, remittance, parts, state,"
        f" anomaly) SELECT '{REFERENCE}', 'E1', max(number), '2026-11-01', '2026-11-01', 12345, 'Payer',"
        f" '{MARKUP}', 1, 'unmatched', 'PAYMENT-REFERENCE' FROM bank_file",
    )
    return staffed


def payments(office: Office) -> dict[str, object]:
    (found,) = rows(office.home, "SELECT * FROM payment WHERE reference = :r", r=REFERENCE)
    return dict(found)


def test_a_payment_of_nobody_is_shown_to_whoever_says_why(unmatched: Office) -> None:
    at = unmatched.at("bob")
    assert "For what reason?" in at.get(f"{HOME}/payments").text
    shown = at.post(f"{HOME}/payments", reason=REASON)
    assert "€123.45" in words(shown)
    assert MARKUP not in shown.text
    assert unmatched.at("olga").get(f"{HOME}/payments").status_code == 403
    assert "Payments of nobody yet" in words(at.get(HOME))


def test_to_assign_a_payment_takes_two_persons(unmatched: Office) -> None:
    at = unmatched.at("bob")
    assert (
        "Nothing was proposed"
        in at.http.post(
            f"{HOME}/payments/assign",
            data={"form_token": at.token, "reference": REFERENCE, "employer": "1234567890123"},
            follow_redirects=True,
        ).text
    )
    proposed = at.post(f"{HOME}/payments/assign", reference=REFERENCE, employer=EMPLOYER)
    assert proposed.status_code == 202
    assert "secugate approve" in proposed.text
    assert payments(unmatched)["state"] == "unmatched"
    (act, *_) = unmatched.acts("bank assign")
    assert (act["kind"], act["person"]) == ("proposed", "bob")
    assert unmatched.by("bob", "approve", str(act["number"])).exit_code != 0
    assert payments(unmatched)["state"] == "unmatched"
