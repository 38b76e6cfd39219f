"""Simulations and statements at the HTTPS door of a running gateway."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx2
import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.billing import BillingRun, Issued
from adapters.cli import app
from adapters.premises import payee_of
from adapters.simulation import PER_MINUTE
from gateway.agreement import Agreement
from gateway.batch import MemberId
from gateway.client.seals import GOOD, seal_verdict
from gateway.moments import Period, Received
from gateway.procedures import PROCEDURES
from gateway.returns import simres
from tests.conftest import LARGEST_DEPOSIT
from tests.doors.test_https import client, problem
from tests.flow.premises import rows, someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, Sender, wage

JULY = Period(2024, 7)
CLERK = MemberId(EMPLOYER, "100002")


@dataclass(frozen=True)
class Billed:
    """A statement that was issued to `EMPLOYER`, and for whom it charges."""

    number: str
    insured: str


@pytest.fixture(scope="module")
def billed(open_home: House, visitor: Sender) -> Billed:
    insured = someone()
    open_home.affiliate(insured)
    assert open_home.send(visitor, "DECSAL", [wage(insured, Period=str(JULY))]).verdict == "accepted"
    gateway = open_home.gateway
    run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(open_home.settings))
    (issued,) = (one for one in run.run(JULY) if isinstance(one, Issued))
    return Billed(issued.number, insured)


@contextmanager
def asking(home: House, sender: Sender) -> Iterator[httpx2.Client]:
    with client(home, sender) as http:
        yield http


def batch(home: House, sender: Sender, **changes: str) -> tuple[str, bytes]:
    insured = someone()
    home.affiliate(insured)
    return home.signed(sender, "DECSAL", [wage(insured, **{"Period": "2024-08", **changes})])


# simulations


def test_a_batch_is_simulated_and_nothing_is_kept(open_home: House, visitor: Sender, billed: Billed) -> None:
    name, content = batch(open_home, visitor)
    deposits = rows(open_home, "SELECT count(*) FROM deposit")
    with asking(open_home, visitor) as http:
        answer = http.post("/v1/simulations", params={"name": name}, content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    assert seal_verdict(answer.content, open_home.seals) == GOOD
    document = simres.read(etree.fromstring(answer.content))
    assert (document.verdict, document.file.digest) == ("accepted", hashlib.sha256(content).hexdigest())
    assert [(one.employer, str(one.period)) for one in document.effects] == [(EMPLOYER, "2024-08")]
    assert rows(open_home, "SELECT count(*) FROM deposit") == deposits


def test_a_simulation_may_be_refused_by_the_door(open_home: House, neighbour: Sender) -> None:
    name, content = open_home.signed(neighbour, "DECSAL", [wage(someone(), OTHER_EMPLOYER, Period="2024-07")])
    with asking(open_home, neighbour) as http:
        problem(http.post("/v1/simulations", content=content), 400, "DOOR-REQUEST")
        wrong = {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}
        asked = {"params": {"name": name}, "content": content}
        problem(http.post("/v1/simulations", headers=wrong, **asked), 400, "DOOR-DIGEST")
        large = http.post("/v1/simulations", params={"name": name}, content=b" " * (LARGEST_DEPOSIT + 1))
        problem(large, 413, "DOOR-TOO-LARGE")
        open_home.outcome(neighbour, open_home.receive(neighbour, name, content).deposit)
        problem(http.post("/v1/simulations", **asked), 409, "DOOR-NOT-SIMULATED")
        for _ in range(PER_MINUTE - 3):
            assert http.post("/v1/simulations", params={"name": "x"}, content=b"x").status_code == 200
        refused = http.post("/v1/simulations", params={"name": "x"}, content=b"x")
        problem(refused, 429, "DOOR-LATER")
        assert 1 <= int(refused.headers["retry-after"]) <= 61


def test_the_command_simulates_and_computes_again(
    open_home: House, visitor: Sender, tmp_path: Path, billed: Billed
) -> None:
    name, content = batch(open_home, visitor, BaseWage="20000.00")
    file, run = tmp_path / name, CliRunner()
    file.write_bytes(content)
    home = visitor.profile.parent
    words = ["simulate", str(file), "--profile", str(visitor.profile), "--json"]
    done = run.invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["verdict"] == "accepted"
    (employer,) = told["employers"]
    assert employer["total"]["difference"] == employer["total"]["with"] != "0.00"
    answer = Path(told["answer"])
    printed = run.invoke(app, ["simulate", str(file), "--data", str(open_home.settings.data)])
    assert printed.exit_code == 0, printed.output
    assert "Would be accepted: 1 records" in printed.output
    again = ["simulate", str(file), "--reproduce", str(answer), "--seal", str(home / "gateway-seal.pem")]
    done = run.invoke(app, [*again, "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"equal": True, "differences": []})
    file.write_bytes(content + b"\n")
    assert run.invoke(app, again).exit_code == 1
    file.write_bytes(content)
    answer.write_bytes(answer.read_bytes().replace(b"20000.00", b"20001.00"))
    assert run.invoke(app, again).exit_code == 1
    assert run.invoke(app, ["simulate", str(file)]).exit_code == 2


# statements


def test_a_member_reads_the_statements_of_its_employers(
    open_home: House, visitor: Sender, billed: Billed
) -> None:
    with asking(open_home, visitor) as http:
        (entry,) = http.get("/v1/statements").json()["statements"]
        assert (entry["number"], entry["employer"], entry["period"]) == (billed.number, EMPLOYER, "2024-07")
        for params in ({"employer": EMPLOYER}, {"period": "2024-07"}, {"after": entry["cursor"] - 1}):
            assert http.get("/v1/statements", params=params).json()["statements"] == [entry]
        for params in ({"period": "2024-06"}, {"after": entry["cursor"]}):
            assert http.get("/v1/statements", params=params).json() == {"statements": []}
        one = http.get(f"/v1/statements/{billed.number}").json()
    (kept,) = rows(open_home, "SELECT * FROM statement WHERE employer = :one", one=EMPLOYER)
    assert entry.items() <= one.items()
    assert one["contributions"] == one["balance"] == one["payable"] == one["months"][0]["total"]
    assert one["balance"].replace(".", "") == str(kept["balance"])
    assert [month["period"] for month in one["months"]] == ["2024-07"]
    assert one["due"] == kept["due"]


def test_each_amount_is_explained(open_home: House, visitor: Sender, billed: Billed) -> None:
    path = f"/v1/statements/{billed.number}/explanation"
    with asking(open_home, visitor) as http:
        told = http.get(path, params={"insured": billed.insured}).json()
        assert http.get(path, params={"insured": "1893120105732"}).json()["charges"] == []
    (charge,) = told["charges"]
    assert (charge["insured"], charge["period"]) == (billed.insured, "2024-07")
    assert charge["lines"][0]["formula"] == "3812.40 × 2.80 %"
    assert all(line["parameters"][0]["source"] for line in charge["lines"])
    (record,) = charge["records"]
    (kept,) = rows(open_home, "SELECT digest FROM deposit WHERE id = :id", id=record["deposit"])
    assert kept["digest"] == record["digest"]


def test_a_statement_is_a_page_in_three_languages(open_home: House, visitor: Sender, billed: Billed) -> None:
    path = f"/v1/statements/{billed.number}/page"
    with asking(open_home, visitor) as http:
        pages = [http.get(path, params={"language": one}) for one in ("fr", "de", "en")]
        problem(http.get(path, params={"language": "lb"}), 400, "DOOR-REQUEST")
    assert {page.headers["content-type"] for page in pages} == {"application/pdf"}
    assert all(page.content.startswith(b"%PDF-") for page in pages)
    assert len({page.content for page in pages}) == 3


def test_an_own_computation_is_compared(open_home: House, visitor: Sender, billed: Billed) -> None:
    query = {"employer": EMPLOYER, "period": "2024-07"}
    with asking(open_home, visitor) as http:
        problem(http.get("/v1/comparisons", params=query), 404, "DOOR-NOT-FOUND")
        agreed = Agreement(frozenset(one.code for one in PROCEDURES), own_computation=True)
        open_home.gateway.members.agree(MEMBER, agreed, Received(open_home.clock()))
        own = {"Employer": EMPLOYER, "Insured": billed.insured, "Period": "2024-07"}
        totals = {"EmployeeTotal": "484.00", "EmployerTotal": "500.00"}
        assert open_home.send(visitor, "OWNCAL", [{**own, **totals}]).verdict == "accepted"
        found = http.get("/v1/comparisons", params=query).json()
    assert found["own"] == "984.00"
    differences = sum(round(float(line["difference"]) * 100) for line in found["lines"])
    assert differences == round(float(found["difference"]) * 100)
    assert {line["insured"] for line in found["lines"]} == {billed.insured}
    assert set(found["reasons"][0]["remedy"]) == {"fr", "de", "en"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/statements/{number}",
        "/v1/statements/{number}/explanation",
        "/v1/statements/{number}/page",
        "/v1/statements?employer={employer}",
        "/v1/comparisons?employer={employer}&period=2024-07",
    ],
)
def test_what_is_another_members_is_like_what_does_not_exist(
    open_home: House, neighbour: Sender, billed: Billed, path: str
) -> None:
    with asking(open_home, neighbour) as http:
        theirs = http.get(path.format(number=billed.number, employer=EMPLOYER))
        nobodys = http.get(path.format(number="202407-9999999", employer="2099990009999"))
    problem(theirs, 404, "DOOR-NOT-FOUND")
    assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)


def test_the_right_counts_now_and_for_invoices_alone(open_home: House, billed: Billed) -> None:
    clerk = open_home.sender(CLERK, [])
    members, at = open_home.gateway.members, Received(open_home.clock())
    members.grant(CLERK, EMPLOYER, ["DECSAL"], first=date(2000, 1, 1), last=None, at=at)
    with asking(open_home, clerk) as http:
        assert http.get("/v1/statements").json() == {"statements": []}
        problem(http.get(f"/v1/statements/{billed.number}"), 404, "DOOR-NOT-FOUND")
        members.grant(CLERK, EMPLOYER, ["CALCUL"], first=date(2000, 1, 1), last=None, at=at)
        assert http.get(f"/v1/statements/{billed.number}").status_code == 200
        # The page is made of what was posted to the member, and nothing was.
        problem(http.get(f"/v1/statements/{billed.number}/page"), 404, "DOOR-NOT-FOUND")


def test_every_address_is_described(open_home: House, visitor: Sender) -> None:
    with asking(open_home, visitor) as http:
        described = http.get("/openapi.json").json()["paths"]
    wanted = ["/v1/simulations", "/v1/statements", "/v1/statements/{number}", "/v1/comparisons"]
    for path in wanted:
        (operation,) = described[path].values()
        assert operation["description"]
