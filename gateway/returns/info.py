"""INFO: a page to read beside a DETRET, in PDF, about refusals that need more than a sentence.

It is not for programs: DETRET and the acknowledgement say all of it that a program needs. The operator sends
it "on certain errors"; about which ones is our choice (`gateway/procedures/lists/abroad.yaml`, `explained`).
The page has the records concerned with what was stated, the reason for each code and what to do in French,
German and English, and, for telework, the limits and the signatory States as they held on the day of receipt.

A PDF cannot hold our signature: it travels in a container with a signature over it, called alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway import wire
from gateway.moments import LUXEMBOURG, Received
from gateway.outcome import Refusal
from gateway.pages import day, legible
from gateway.procedures.lists.abroad import Law, law
from gateway.rejections import LANGUAGES, REJECTIONS

CODE = "INFO"
PROCEDURE = "DEMDET"
MOST_RECORDS = 100
"""Of more than so many records the page only says how many there are: the DETRET has them all."""

_TELEWORK = "DETRET-TELEWORK-"


@dataclass(frozen=True, slots=True)
class Information:
    """What a page says.

    Attributes:
        header: to whom, about which deposit.
        refusals: the records that have a code about which there is more to say; at least one.
        law: what held on the day of receipt.
    """

    header: wire.AnswerHeader
    deposit: wire.DepositReference
    refusals: Sequence[Refusal]
    law: Law

    @property
    def codes(self) -> list[str]:
        """Every code of these records, in order of first occurrence among those shown."""
        return list(
            dict.fromkeys(
                anomaly.code for refusal in self.refusals[:MOST_RECORDS] for anomaly in refusal.anomalies
            )
        )


def of(header: wire.AnswerHeader, refusals: Sequence[Refusal]) -> Information | None:
    """The page about the refused records of a DEMDET; None when there is nothing more to say."""
    deposit = header.deposit
    if deposit is None:
        return None
    valid = law(deposit.received)
    concerned = [
        refusal for refusal in refusals if any(one.code in valid.explained for one in refusal.anomalies)
    ]
    return Information(header, deposit, concerned, valid) if concerned else None


def spell(page: Information) -> dict[str, object]:
    """All that the page shows, as values for JSON; what senders wrote is cut and made legible.

    Only letters that the fonts of the page have are shown: Latin ones. In the place of others stands `?`.
    """
    return {
        "recipient": str(page.header.recipient),
        "test": page.header.environment == "test",
        "written": day(Received(page.header.created).day),
        "file": legible(page.deposit.name, 80),
        "received": f"{page.deposit.received.at.astimezone(LUXEMBOURG):%d.%m.%Y %H:%M:%S}",
        "digest": page.deposit.digest,
        "records": [_record(refusal) for refusal in page.refusals[:MOST_RECORDS]],
        "more": max(0, len(page.refusals) - MOST_RECORDS),
        "codes": [_code(code) for code in page.codes],
        "telework": _telework(page) if any(code.startswith(_TELEWORK) for code in page.codes) else None,
    }


def _record(refusal: Refusal) -> Mapping[str, object]:
    stated = refusal.record.fields.get
    return {
        "number": refusal.record.number,
        "employer": legible(stated("Employer", "")),
        "insured": legible(stated("Insured", "")),
        "reference": legible(stated("Reference", "")),
        "findings": [
            {"code": one.code, "field": legible(one.field or "", 40), "value": legible(one.value or "")}
            for one in refusal.anomalies
        ],
    }


def _code(code: str) -> Mapping[str, object]:
    known = REJECTIONS[code]
    return {
        "code": code,
        "basis": known.legal_basis,
        "said": [
            {
                "lang": language,
                "title": known.titles[language],
                "text": known.texts[language],
                "remedy": known.remedies[language],
            }
            for language in LANGUAGES
        ],
    }


def _telework(page: Information) -> Mapping[str, object]:
    valid = page.law
    days = sorted(set(valid.signatories.values()))
    return {
        "least": valid.share_least,
        "below": valid.share_below,
        "received": day(page.deposit.received.day),
        "oldest": day(valid.telework_oldest),
        "months": valid.telework_months,
        "signatories": [
            {
                "since": day(first),
                "states": sorted(state for state, since in valid.signatories.items() if since == first),
            }
            for first in days
        ],
    }
