"""A mandate from door to door: payroll files in, signed answers out, by the commands of senders."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway.batch import MemberId
from gateway.returns import manass
from gateway.returns.manass import SettledMandate
from tests.flow.premises import rows, someone
from tests.house import EMPLOYER, MEMBER, House, Outcome, Sender

FIDUCIARY = MemberId("2099990020999", "200002")


def command(*words: object) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


class Desk:
    """A sender at work: `.dta` records in, what came back out; each batch in a folder of its own."""

    def __init__(self, home: House, sender: Sender, folder: Path, door: str) -> None:
        self._home, self._sender, self._folder, self._door = home, sender, folder, door
        self._sent = 0

    def send(self, code: str, *records: str) -> Outcome:
        self._sent += 1
        folder = self._folder / str(self._sent)
        folder.mkdir(parents=True)
        member = self._sender.member
        lines = [f"0;{member.matricule};{member.number}", *records]
        (folder / f"{code}.dta").write_bytes("".join(f"{line}\r\n" for line in lines).encode("ascii"))
        command("convert", folder / f"{code}.dta", "--out", folder / "plain")
        (plain,) = (folder / "plain").glob("*.XML")
        command("sign", plain, "--profile", self._sender.profile, "--out", folder / "signed")
        (signed,) = (folder / "signed").glob("SECU.*")
        command("send", signed, "--profile", self._sender.profile, "--door", self._door)
        (deposit,) = rows(self._home, "SELECT id, door FROM deposit WHERE name = :name", name=signed.name)
        assert deposit["door"] == self._door
        return self._home.outcome(self._sender, deposit["id"])

    def collected(self, kind: str) -> list[Path]:
        """All answers of a kind there are for the sender, by its own client."""
        command(
            "collect", "--profile", self._sender.profile, "--out", self._folder / "answers", "--door", "https"
        )
        return sorted((self._folder / "answers").glob(f"SECU.{kind}.*"))


def settled(outcome: Outcome) -> SettledMandate:
    (one,) = manass.read(etree.fromstring(outcome.answers["MANASS"])).settled
    return one


def test_asked_for_over_https_confirmed_over_sftp_used_and_ended(
    open_home: House, neighbour: Sender, tmp_path: Path
) -> None:
    fiduciary = Desk(
        open_home, open_home.sender(FIDUCIARY, [], kind="fiduciary"), tmp_path / "fiduciary", "https"
    )
    employer = Desk(open_home, open_home.sender(MEMBER, []), tmp_path / "employer", "sftp")
    stranger = Desk(open_home, neighbour, tmp_path / "neighbour", "https")
    person = someone()
    paid = f"1;{EMPLOYER};{person};202607;350000;173;;;;;;;;;;;;;;"

    pending = settled(fiduciary.send("DEMMAN", f"1;REQUEST;{EMPLOYER};;DECSAL;;;;M1"))
    assert pending.state.value == "pending"
    assert fiduciary.send("DECSAL", paid).codes == ["MANDATE-EMPLOYER"]
    granted = settled(employer.send("DEMMAN", f"1;CONFIRM;{EMPLOYER};;;;;{pending.number};"))
    assert granted.state.value == "granted"
    used = fiduciary.send("DECSAL", paid.replace(";350000;", ";350001;"))
    assert (used.codes, [one.mandate for one in used.acknowledgement.decisions]) == ([], [pending.number])
    ended = settled(employer.send("DEMMAN", f"1;END;{EMPLOYER};;;;;{pending.number};"))
    assert ended.state.value == "ended"
    assert fiduciary.send("DECSAL", paid.replace(";350000;", ";350002;")).codes == ["MANDATE-EMPLOYER"]

    assert [len(desk.collected("MANASS")) for desk in (fiduciary, employer, stranger)] == [1, 2, 0]
