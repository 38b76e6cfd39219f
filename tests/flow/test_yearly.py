"""A calendar year, from declared wages to what the insured are told, through the operator's commands."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner, Result

from adapters.billing import BillingRun
from adapters.cli import app
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.premises import payee_of
from gateway.client.seals import GOOD, seal_verdict
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.registers import Affiliation
from gateway.returns import annuel, depmax
from signing.certificates import load_seals
from signing.verify import verify_seal
from tests.flow.premises import HandClock, execute, look_over, move, rows, someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, Sender, house, wage
from tests.tools import tool
from xsd import catalogue

IN_2025 = [f"2025-{month:02d}" for month in range(1, 13)]
LATER = datetime(2026, 9, 10, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Year:
    """A gateway after its year 2025, and who is who in it."""

    home: House
    steady: str
    rich: str
    left: str
    silent: str
    waiting: str

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--data", str(self.home.settings.data)])

    def asked(self, *words: str, status: int = 0) -> Any:
        done = self.run(*words, "--json")
        assert done.exit_code == status, done.output
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    clock = HandClock(datetime(2026, 8, 20, 9, 15, tzinfo=UTC))
    with house(tmp_path_factory.mktemp("year"), clock=clock) as home:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            home.employer(employer)
        one, two = home.sender(MEMBER, [EMPLOYER]), home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
        made = Year(home, *(someone() for _ in range(5)))
        fill(made, one, two, clock)
        yield made
        look_over(home)


def fill(year: Year, one: Sender, two: Sender, clock: HandClock) -> None:
    """Twelve months of 2025: somebody corrected, with two employers, gone, forgotten in March, on hold."""
    home = year.home
    home.affiliate(year.steady, year.rich, year.silent)
    home.affiliate(year.rich, employer=OTHER_EMPLOYER)
    spans = (date(2025, 2, 10), date(2025, 4, 20)), (date(2025, 4, 21), date(2025, 5, 4))
    with home.gateway.database.write() as connection:
        for first, last in spans:
            SqlAffiliations(connection).open(Affiliation(EMPLOYER, year.left, first, last, "D", "03"))
    mine = [wage(year.steady, Period=period, BaseWage="4000.00") for period in IN_2025]
    mine += [wage(year.rich, Period=period, BaseWage="9000.00") for period in IN_2025]
    mine += [wage(year.left, Period=period, BaseWage="2700.00", WorkHours="100") for period in IN_2025[1:5]]
    mine += [wage(year.silent, Period=period) for period in IN_2025 if period != "2025-03"]
    declare(home, one, *mine)
    declare(home, two, *(wage(year.rich, OTHER_EMPLOYER, Period=p, BaseWage="8000.00") for p in IN_2025))
    assert home.send(one, "DECSAL", [wage(year.waiting, Period="2025-06")]).acknowledgement.held == 1
    bill(home, Period(2025, 12))
    move(home, clock, LATER)
    declare(home, one, wage(year.steady, Period="2025-05", BaseWage="4100.00"))
    bill(home, Period(2026, 7))


def declare(home: House, sender: Sender, *records: dict[str, str]) -> None:
    assert home.send(sender, "DECSAL", records).codes == []


def bill(home: House, period: Period) -> None:
    gateway = home.gateway
    list(BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings)).run(period))


def stated(year: Year, folder: Path, insured: str) -> annuel.AnnualStatementReturn:
    content = (folder / insured[:4] / f"ANNUEL-2025-{insured}.xml").read_bytes()
    assert seal_verdict(content, year.home.seals) == GOOD
    verified = verify_seal(content, load_seals(year.home.seals)).content
    catalogue().form("ANNUEL", "1.0", date(2026, 8, 1)).validate(verified)
    return annuel.read(verified)


def test_everybody_of_the_year_gets_one_statement_and_a_second_run_writes_none(
    year: Year, tmp_path: Path
) -> None:
    found = year.asked("annual", "--year", "2025", "--out", str(tmp_path))
    assert (found["insured"], found["due"], found["written"]) == (5, 4, 4)
    assert found["without"] == [year.waiting]
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert len(files) == 4
    assert {file.stat().st_mode & 0o077 for file in (*files, *tmp_path.iterdir())} == {0}
    again = year.asked("annual", "--year", "2025", "--out", str(tmp_path))
    assert (again["written"], again["present"]) == (0, 4)
    assert {file: file.read_bytes() for file in files} == files


def test_a_statement_says_what_stands_as_charged_after_a_correction(year: Year, tmp_path: Path) -> None:
    year.asked("annual", "--year", "2025", "--out", str(tmp_path))
    document = stated(year, tmp_path, year.steady)
    (mine,) = document.statement.employers
    assert (document.header.insured, mine.employer, mine.name) == (year.steady, EMPLOYER, "Made-up Ltd")
    assert (mine.days, mine.months_insured, mine.hours) == (365, 12, 12 * 173)
    assert (mine.pay, mine.open) == (11 * 400000 + 410000, ())
    may = mine.months[4]
    assert (str(may.period), may.pay.base_wage) == ("2025-05", 410000)
    assert may.lines[0].base == 410000
    standing = rows(
        year.home,
        "SELECT sum(care_employee + cash_employee + pension_employee + dependency_employee) AS employee,"
        " sum(care_employer + cash_employer + pension_employer + accident_employer + mde_employer"
        " + health_at_work_employer) AS employer FROM charge"
        " WHERE insured = :insured AND period LIKE '2025-%'",
        insured=year.steady,
    )
    assert standing == [
        {"employee": document.statement.employee_total, "employer": document.statement.employer_total}
    ]


def test_days_are_those_of_the_affiliations_and_spans_that_touch_are_one(year: Year, tmp_path: Path) -> None:
    year.asked("annual", "--year", "2025", "--out", str(tmp_path), "--insured", year.left)
    (mine,) = stated(year, tmp_path, year.left).statement.employers
    assert mine.spans == ((date(2025, 2, 10), date(2025, 5, 4)),)
    assert (mine.days, mine.months_insured, mine.open) == (19 + 31 + 30 + 4, 4, ())


def test_a_month_nobody_declared_and_a_wage_on_hold_are_named(year: Year, tmp_path: Path) -> None:
    found = year.asked("annual", "--year", "2025", "--out", str(tmp_path))
    told = [(one["insured"], one["period"], one["reason"]) for one in found["open"]]
    assert told == sorted([(year.silent, "2025-03", "missing"), (year.waiting, "2025-06", "held")])
    (mine,) = stated(year, tmp_path, year.silent).statement.employers
    assert [(str(one.period), one.reason) for one in mine.open] == [("2025-03", "missing")]
    assert (mine.months_insured, len(mine.months)) == (12, 11)
    shown = year.run("annual", "--year", "2025", "--out", str(tmp_path)).stdout
    assert "2025-03" in shown and "missing" in shown and year.waiting in shown


def test_the_check_finds_what_is_absent_forged_strange_and_outdated(year: Year, tmp_path: Path) -> None:
    check = ("annual", "--year", "2025", "--out", str(tmp_path), "--check")
    assert year.asked(*check, status=1)["absent"] == 4
    year.asked(*check[:-1])
    whole = year.asked(*check)
    assert (whole["present"], whole["wanting"], whole["strangers"]) == (4, [], [])
    files = {file.stem.rpartition("-")[2]: file for file in tmp_path.rglob("*.xml")}
    files[year.left].unlink()
    said = files[year.silent].read_bytes()
    files[year.silent].write_bytes(said.replace(b"<Days>365</Days>", b"<Days>366</Days>"))
    stranger = files[year.rich].with_name(f"ANNUEL-2025-{someone()}.xml")
    stranger.write_bytes(said)
    execute(year.home, f"UPDATE affiliation SET exit = '2025-12-30' WHERE insured = '{year.steady}'")
    try:
        found = year.asked(*check, status=1)
    finally:
        execute(year.home, f"UPDATE affiliation SET exit = NULL WHERE insured = '{year.steady}'")
    assert {one["insured"]: one["state"] for one in found["wanting"]} == {
        year.left: "absent",
        year.silent: "broken",
        year.steady: "changed",
    }
    assert found["strangers"] == [stranger.name]
    shown = year.run(*check)
    assert shown.exit_code == 1
    assert f"{year.left}: the statement is absent" in shown.stdout


def test_a_page_stands_beside_each_statement_and_holds_it(year: Year, tmp_path: Path) -> None:
    one = ("annual", "--year", "2025", "--out", str(tmp_path), "--insured", year.silent)
    year.asked(*one)
    assert not list(tmp_path.rglob("*.pdf"))
    assert year.asked(*one, "--pages", "de")["present"] == 1
    (file,) = tmp_path.rglob("*.xml")
    page = file.with_suffix(".pdf").read_bytes()
    read = subprocess.run(
        [tool("pdftotext"), "-layout", "-", "-"], input=page, capture_output=True, check=True
    )
    said = read.stdout.decode()
    for told in ("Jahresauszug 2025", year.silent, EMPLOYER, "März 2025", "kein Lohn wurde gemeldet"):
        assert told in said
    assert hashlib.sha256(file.read_bytes()).hexdigest() in said
    year.asked(*one, "--pages", "fr")
    assert file.with_suffix(".pdf").read_bytes() == page


def test_a_statement_cut_off_while_it_was_written_is_written_whole_by_the_next_run(
    year: Year, tmp_path: Path
) -> None:
    folder = tmp_path / year.rich[:4]
    folder.mkdir()
    (folder / f".ANNUEL-2025-{year.rich}.xml.part").write_bytes(b"<ANNUEL")
    assert year.asked("annual", "--year", "2025", "--out", str(tmp_path))["written"] == 4
    assert stated(year, tmp_path, year.rich).statement.pay == 12 * 1700000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("annual", "--year", "2019"), "no parameters are known for 2019-01"),
        (("annual", "--year", "2999"), "2999 has not begun"),
        (("annual", "--year", "0"), "no such month"),
        (("annual", "--year", "2025", "--insured", "1893120105731"), "no matricule of a person"),
        (("annual", "--year", "2025", "--insured", "1893120105732"), "Nothing is known of 1893120105732"),
    ],
)
def test_a_statement_that_cannot_be_asked_for_is_told_in_one_line(
    year: Year, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = year.run(*words, "--out", str(tmp_path / "new"))
    assert (done.exit_code, said in done.stderr) == (2, True), done.output
    assert not (tmp_path / "new").exists()


def test_the_year_end_agrees_but_for_what_it_names(year: Year) -> None:
    found = year.asked("year-end", "--year", "2025", status=1)
    workers = {(one["employer"], one["insured"]): one for one in found["workers"]}
    assert len(workers) == found["sums"]["workers"] == 6
    assert found["sums"]["different"] == 2
    steady = workers[EMPLOYER, year.steady]
    assert (steady["days"], steady["declared"], steady["charged"]) == (365, "48100.00", "48100.00")
    assert steady["differences"] == []
    assert workers[EMPLOYER, year.waiting]["differences"] == [
        {"period": "2025-06", "reason": "held", "declared": "0.00", "charged": "0.00", "code": None}
    ]
    assert [one["reason"] for one in workers[EMPLOYER, year.silent]["differences"]] == ["missing"]
    for side in ("declared", "charged"):
        assert sum(cents_of(one[side]) for one in workers.values()) == cents_of(found["sums"][side])


def test_the_year_end_of_one_employer_has_nobody_of_another(year: Year) -> None:
    found = year.asked("year-end", "--year", "2025", "--employer", OTHER_EMPLOYER)
    assert [(one["employer"], one["insured"]) for one in found["workers"]] == [(OTHER_EMPLOYER, year.rich)]
    assert EMPLOYER not in json.dumps(found)
    shown = year.run("year-end", "--year", "2025", "--employer", OTHER_EMPLOYER)
    assert shown.exit_code == 0
    assert year.rich in shown.stdout and "96000.00" in shown.stdout


def test_a_correction_that_waits_for_its_statement_is_a_difference_until_then(year: Year) -> None:
    def reasons() -> list[tuple[str, str]]:
        done = year.run("year-end", "--year", "2025", "--json")
        return [
            (one["insured"], each["reason"])
            for one in json.loads(done.stdout)["workers"]
            for each in one["differences"]
            if one["insured"] == year.left
        ]

    before = reasons()
    change = "UPDATE wage SET base_wage = base_wage {} 1 WHERE insured = '{}' AND period = '2025-02'"
    execute(year.home, change.format("+", year.left))
    try:
        assert (before, reasons()) == ([], [(year.left, "uncorrected")])
    finally:
        execute(year.home, change.format("-", year.left))


def test_the_share_above_the_ceiling_is_worked_out_for_the_insured_alone(year: Year, tmp_path: Path) -> None:
    """The ceilings of 2025 are 4 x 13,188.96 and 8 x 13,518.68; both wages make 12 x 17,000.00."""
    found = year.asked("over-ceiling", "--year", "2025", "--out", str(tmp_path))
    (one,) = found["insured"]
    ceiling = 4 * 1318896 + 8 * 1351868
    above = 12 * 1700000 - ceiling
    assert (one["insured"], one["stage"], found["written"]) == (year.rich, "closed", 1)
    assert [(part["branch"], part["ceiling"], part["above"]) for part in one["branches"]] == [
        (branch, euro(ceiling), euro(above)) for branch in ("care", "cash", "pension")
    ]
    # 4,309,472 cents above: 2.80 %, 0.25 % and 8.00 % of 43,094.72.
    assert above == 4309472
    assert [part["share"] for part in one["branches"]] == ["1206.65", "107.74", "3447.58"]
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    assert (file.stat().st_mode & 0o077, seal_verdict(content, year.home.seals)) == (0, GOOD)
    verified = verify_seal(content, load_seals(year.home.seals)).content
    catalogue().form("DEPMAX", "1.0", date(2026, 8, 1)).validate(verified)
    said = depmax.read(verified).found
    assert {part.employer for part in said.employers} == {EMPLOYER, OTHER_EMPLOYER}
    assert (said.share, said.stage) == (476197, "closed")
    assert year.asked("over-ceiling", "--year", "2025", "--out", str(tmp_path))["written"] == 0


def test_in_the_run_of_a_month_it_is_provisional(year: Year) -> None:
    (one,) = year.asked("over-ceiling", "--period", "2025-01")["insured"]
    assert (one["insured"], one["stage"], one["until"]) == (year.rich, "provisional", "2025-01")
    assert one["branches"][0]["above"] == euro(1700000 - 1318896)
    assert year.asked("over-ceiling", "--period", "2026-07")["insured"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "one of them"),
        (("--year", "2025", "--period", "2025-01"), "one of them"),
        (("--period", "2025-13"), "YYYY-MM"),
        (("--period", "July"), "YYYY-MM"),
        (("--year", "2012"), "no parameters are known for 2012-01"),
    ],
)
def test_a_ceiling_that_cannot_be_asked_for_is_told_in_one_line(
    year: Year, words: tuple[str, ...], said: str
) -> None:
    done = year.run("over-ceiling", *words)
    assert (done.exit_code, said in done.stderr) == (2, True), done.output


def test_no_employer_learns_of_another_one_of_its_people(year: Year, tmp_path: Path) -> None:
    year.asked("over-ceiling", "--year", "2025", "--out", str(tmp_path))
    year.asked("over-ceiling", "--period", "2025-02", "--out", str(tmp_path))
    year.asked("annual", "--year", "2025", "--out", str(tmp_path))
    shelf = rows(year.home, "SELECT recipient, kind, content FROM answer")
    assert {row["kind"] for row in shelf}.isdisjoint({annuel.CODE, depmax.CODE})
    about = 0
    for row in shelf:
        own = row["recipient"][:13]
        stranger = {EMPLOYER: OTHER_EMPLOYER, OTHER_EMPLOYER: EMPLOYER}[own].encode()
        assert stranger not in row["content"]
        about += year.rich.encode() in row["content"]
    # That both employers are found where they are is what makes the search above worth something.
    assert about >= 2
    notices = [file.read_bytes() for file in tmp_path.glob("DEPMAX-*")]
    assert len(notices) == 2
    assert all(one.encode() in content for one in (EMPLOYER, OTHER_EMPLOYER) for content in notices)


def test_what_was_written_is_in_the_journal(year: Year, tmp_path: Path) -> None:
    year.asked("annual", "--year", "2025", "--out", str(tmp_path))
    subjects = rows(year.home, "SELECT subject FROM journal WHERE event = 'stated' ORDER BY sequence")
    assert subjects[-1]["subject"] == "ANNUEL 2025 4"
    assert year.home.findings() == ()


def test_years_of_a_matricule_that_was_replaced_belong_to_the_new_one(year: Year, tmp_path: Path) -> None:
    new = someone()
    execute(
        year.home,
        f"INSERT INTO renumbering (old, new, effective) VALUES ('{year.left}', '{new}', '2026-08-01')",
        f"UPDATE affiliation SET insured = '{new}' WHERE insured = '{year.left}'",
        f"UPDATE wage SET insured = '{new}' WHERE insured = '{year.left}'",
    )
    try:
        found = year.asked("annual", "--year", "2025", "--out", str(tmp_path))
        (mine,) = stated(year, tmp_path, new).statement.employers
    finally:
        execute(
            year.home,
            "DELETE FROM renumbering",
            f"UPDATE affiliation SET insured = '{year.left}' WHERE insured = '{new}'",
            f"UPDATE wage SET insured = '{year.left}' WHERE insured = '{new}'",
        )
    assert (found["due"], mine.pay, mine.open) == (4, 4 * 270000, ())
    assert not list(tmp_path.rglob(f"*{year.left}*"))


def test_a_document_that_does_not_add_up_is_not_read(year: Year, tmp_path: Path) -> None:
    year.asked("annual", "--year", "2025", "--out", str(tmp_path))
    (file,) = tmp_path.rglob(f"*{year.steady}.xml")
    root = etree.fromstring(file.read_bytes())
    (total,) = root.iterfind("{*}EmployeeTotal")
    total.text = "1.00"
    with pytest.raises(ValueError, match="EmployeeTotal"):
        annuel.read(root)
