"""Staff: roles, reasons, and two persons, through the operator's commands (SR-5, SR-22)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from adapters.cli import app
from adapters.cli.admission import UNATTENDED
from adapters.installation import install
from adapters.settings import Settings
from gateway.staff import RIGHTS, Call, Denied, Person, Role, check, check_approval
from tests.flow.premises import execute, rows
from tests.house import EMPLOYER, MEMBER, House, house
from tests.tools import tool

STATEMENT = "202607-0000001"


@dataclass(frozen=True)
class Office:
    """A gateway and the keys of those who work there."""

    home: House
    keys: Path

    def key(self, name: str) -> Path:
        file = self.keys / name
        if not file.exists():
            subprocess.run(
                [tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)], check=True
            )
        return file

    def by(self, name: str | None, *words: str, reason: str = "") -> Result:
        data = ["--data", str(self.home.settings.data)]
        before = ["--reason", reason] if reason else []
        given = {} if name is None else {"SECUGATE_STAFF_KEY": str(self.key(name))}
        return CliRunner().invoke(app, [*before, *words, *data], env=given)

    def add(self, by: str | None, name: str, *roles: str) -> Result:
        named = [word for role in roles for word in ("--role", role)]
        self.key(name)
        return self.by(by, "staff", "add", name, *named, "--key", f"{self.key(name)}.pub")

    def waiting(self) -> str:
        """The number of the last proposal without an answer."""
        listed = self.by("anna", "staff", "acts", "--waiting", "--json")
        return str(json.loads(listed.stdout)[-1]["number"])

    def last_act(self) -> Any:
        """The last act before this question."""
        return json.loads(self.by("anna", "staff", "acts", "--json").stdout)[-2]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with house(tmp_path / "house") as home:
        home.employer(EMPLOYER)
        home.sender(MEMBER, [])
        keys = tmp_path / "keys"
        keys.mkdir()
        office = Office(home, keys)
        for by, name, roles in (
            (None, "anna", ["administrator"]),
            ("anna", "ben", ["administrator", "registrar"]),
        ):
            done = office.add(by, name, *roles)
            assert done.exit_code == 0, done.output
        for name, role in (("carl", "registrar"), ("dora", "auditor"), ("emma", "billing")):
            assert office.add("anna", name, role).exit_code == 1
            approved = office.by("ben", "approve", office.waiting())
            assert approved.exit_code == 0, approved.output
        yield office


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    context = typer.Context(command)
    names = command.list_commands(context) if hasattr(command, "list_commands") else ()
    if not names:
        yield " ".join(words), command
    for name in names:
        yield from leaves(command.get_command(context, name), (*words, name))


def test_every_command_on_a_gateway_is_in_the_table_and_nothing_else():
    opens = {
        words
        for words, command in leaves(typer.main.get_command(app))
        if any(parameter.name == "data" for parameter in command.params)
    }
    assert opens - {"demo", "init", "restore"} - UNATTENDED == set(RIGHTS)


def test_whoever_shows_no_key_gives_no_command(office: Office):
    refused = office.by(None, "statistics")
    assert refused.exit_code == 2
    assert "SECUGATE_STAFF_KEY" in refused.output


def test_a_key_of_nobody_gives_no_command(office: Office):
    refused = office.by("stranger", "statistics")
    assert (refused.exit_code, "nobody" in refused.output) == (1, True)


def test_a_key_that_others_may_read_is_not_used(office: Office):
    office.key("anna").chmod(0o640)
    refused = office.by("anna", "staff", "list")
    assert (refused.exit_code, "chmod 600" in refused.output) == (2, True)


def test_a_role_ends_where_it_ends_and_the_try_is_kept(office: Office):
    refused = office.by("emma", "mandate", "add", str(MEMBER), EMPLOYER)
    assert refused.exit_code == 1
    assert "registrar" in refused.output
    assert not rows(office.home, "SELECT * FROM mandate")
    assert office.last_act()["kind"] == "denied"


def test_a_mandate_takes_two_registrars(office: Office):
    """The first proposes; nobody approves their own, nor without the role; the second carries it out."""
    proposed = office.by("carl", "mandate", "add", str(MEMBER), EMPLOYER)
    assert proposed.exit_code == 1
    assert "takes two persons" in proposed.output
    assert not rows(office.home, "SELECT * FROM mandate")
    number = office.waiting()
    for name in ("carl", "emma", "dora"):
        assert office.by(name, "approve", number).exit_code == 1
        assert not rows(office.home, "SELECT * FROM mandate")
    done = office.by("ben", "approve", number)
    assert done.exit_code == 0, done.output
    assert len(rows(office.home, "SELECT * FROM mandate")) == 1
    (entry,) = rows(office.home, "SELECT actor FROM journal WHERE event = 'mandate'")
    assert entry["actor"] == "carl+ben"
    again = office.by("ben", "approve", number)
    assert again.exit_code == 1
    assert len(rows(office.home, "SELECT * FROM mandate")) == 1


def test_a_declined_command_is_never_carried_out(office: Office):
    office.by("carl", "mandate", "add", str(MEMBER), EMPLOYER)
    number = office.waiting()
    assert office.by("ben", "decline", number).exit_code == 0
    assert office.by("ben", "approve", number).exit_code == 1
    assert not rows(office.home, "SELECT * FROM mandate")


def test_what_is_approved_is_the_file_that_was_proposed(office: Office, tmp_path: Path):
    certificate = tmp_path / "new.pem"
    certificate.write_bytes(office.home.gateway.premises.signing_certificate.read_bytes())
    words = ("member", "add", "2099990001299000001", "--name", "X", "--kind", "employer")
    office.by("carl", *words, "--certificate", str(certificate))
    number = office.waiting()
    certificate.write_bytes(office.home.gateway.premises.authority_certificate.read_bytes())
    refused = office.by("ben", "approve", number)
    assert refused.exit_code == 1
    assert "not the file that was proposed" in refused.output


def test_reading_what_belongs_to_others_needs_a_reason_and_is_kept(office: Office):
    refused = office.by("dora", "explain", STATEMENT)
    assert refused.exit_code == 1
    assert "Say why" in refused.output
    office.by("dora", "explain", STATEMENT, reason="complaint 2026-114 of the employer")
    last = office.last_act()
    assert last["kind"] == "given"
    assert last["reason"] == "complaint 2026-114 of the employer"


def test_an_act_put_in_by_somebody_else_shows(office: Office):
    office.by("carl", "mandate", "add", str(MEMBER), EMPLOYER)
    execute(
        office.home,
        "INSERT INTO staff_act"
        " (at, person, kind, command, arguments, files, reason, answers, gateway, signature)"
        " SELECT at, 'ben', 'approved', command, arguments, files, reason, number, gateway, signature"
        " FROM staff_act WHERE kind = 'proposed'",
    )
    listed = office.by("anna", "staff", "acts", "--json")
    assert listed.exit_code == 1
    assert [one["genuine"] for one in json.loads(listed.stdout)][-2] is False


def test_there_are_never_fewer_than_two_administrators(office: Office):
    office.by("anna", "staff", "end", "anna")
    number = office.waiting()
    refused = office.by("ben", "approve", number)
    assert refused.exit_code == 1
    assert "2 administrators" in refused.output


def test_rights_end_at_once(office: Office):
    office.by("anna", "staff", "end", "dora")
    number = office.waiting()
    assert office.by("ben", "approve", number).exit_code == 0
    assert office.by("dora", "staff", "list").exit_code == 1


def test_a_gateway_without_staff_asks_nobody(tmp_path: Path):
    with house(tmp_path) as home:
        done = CliRunner().invoke(
            app, ["statistics", "--data", str(home.settings.data)], env=dict(os.environ)
        )
    assert done.exit_code == 0


@pytest.mark.parametrize("command", sorted(RIGHTS))
def test_no_role_may_do_what_is_not_its_own(command: str):
    right = RIGHTS[command]
    for role in Role:
        person = Person("x.y", frozenset({role}), "SHA256:x")
        call = Call(command, (), (), "a reason that says enough")
        if role in right.roles:
            assert check(person, call) == right
        else:
            with pytest.raises(Denied):
                check(person, call)
            with pytest.raises(Denied):
                check_approval(person, call, "another")


def test_nobody_registers_members_and_moves_money():
    """Separate duties: one role never suffices to let somebody in, and to pay out."""
    both = [
        role for role in Role if role in RIGHTS["member add"].roles and role in RIGHTS["bank refund"].roles
    ]
    assert both == []


def test_an_approval_counts_on_its_own_gateway_alone(office: Office, tmp_path: Path):
    """A command typed without its folder is not carried out on whichever one the second person names."""
    here, other = office.home.settings.data, tmp_path / "other"
    install(Settings(data=other), office.home.clock())
    founded = ["staff", "add", "anna", "--role", "administrator", "--key", f"{office.key('anna')}.pub"]
    assert CliRunner().invoke(app, [*founded, "--data", str(other)]).exit_code == 0
    employer = ["employer", "year", EMPLOYER, "2027:2:0.85"]
    by = {"SECUGATE_STAFF_KEY": str(office.key("carl")), "SECUGATE_DATA": str(here)}
    assert CliRunner().invoke(app, employer, env=by).exit_code == 1
    number = office.waiting()
    elsewhere = {"SECUGATE_STAFF_KEY": str(office.key("ben")), "SECUGATE_DATA": str(other)}
    done = CliRunner().invoke(app, ["approve", number, "--data", str(here)], env=elsewhere)
    assert done.exit_code == 1
    assert "nobody" in done.output
