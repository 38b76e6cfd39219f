"""Three months of two insured, run under whatever law is first on the path: what was corrected, as JSON.

A program of its own, since a process reads the law once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from adapters.billing import Issued
from adapters.billing.explanation import document, issue_of
from adapters.database.registers.charges import SqlCharges
from gateway.contributions import Policy
from gateway.registers import Wage, WageKey
from tests.billing.histories import EMPLOYERS, KINDS, START, House, check, template

EMPLOYER = EMPLOYERS[0]
MONTHS = tuple(START.plus(n) for n in range(3))


def main(folder: Path) -> None:
    house = House.open(template(folder), folder / "house", Policy())
    for person, kind in zip(house.people, (KINDS[0], KINDS[5]), strict=False):
        house.affiliate(person, START.first, kind)
        for period in MONTHS:
            key = WageKey(EMPLOYER, person, period, 1, period.last.day)
            house.receive(Wage(key, house.deposit(), 1, 381_240, 173, 0, 0, 0, 0, 0, 0, 0, False, None))
    house.bill()
    house.bill()
    found = house.bill()
    check(house, found)
    (issued,) = (one for one in found if one.employer == EMPLOYER)
    assert isinstance(issued, Issued)
    with house.database.read() as connection:
        issue = issue_of(connection, issued.number)
        assert issue is not None
        rows = SqlCharges(connection).of_statement(issue.number)
        again = document(connection, issue)["charges"]
    told = [
        {
            "insured": house.people.index(row.charge.key.insured),
            "period": str(row.charge.key.period),
            "reversal": row.reversal,
            "causes": row.causes,
            "lines": {
                line.branch: [line.employee, line.employer, line.institution] for line in row.charge.lines
            },
        }
        for row in rows
    ]
    assert isinstance(again, list)
    later = house.bill()
    check(house, later)
    waits = house.ask("SELECT count(*) AS number FROM recalculation WHERE settled = 0")
    afterwards = house.ask(
        "SELECT count(*) AS number FROM charge WHERE employer = :e AND statement > :n",
        e=EMPLOYER,
        n=issue.number,
    )
    answer = {"charges": told, "explained": len(again)}
    answer |= {"waits": waits[0]["number"], "later": afterwards[0]["number"]}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
