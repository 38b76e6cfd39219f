"""The rules as one signed file, and what is told of the changes between two of them."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from gateway import rules
from gateway.rejections import REJECTIONS
from gateway.rules.changes import Change, changes, notice
from signing.certificates import load_seals
from signing.sign import Signer
from signing.verify import ForeignSeal
from tests.durability.running import command, environment
from xsd import catalogue

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of two who seal: `ours` and `theirs`."""
    folder = tmp_path_factory.mktemp("keys")
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    authority = Authority.create("Throw-away", first, last)
    for name in ("ours", "theirs"):
        key = new_key(KeyKind.P256)
        write_key(folder / f"{name}.key.pem", key)
        issued = authority.issue(Subject(name), key.public_key(), first, last)
        write_certificates(folder / f"{name}.cert.pem", issued)
    return folder


def signer(keys: Path, name: str = "ours") -> Signer:
    return Signer.load(keys / f"{name}.key.pem", keys / f"{name}.cert.pem")


def index() -> dict[str, Any]:
    """What stands in the rules of this program, to be changed at will."""
    return copy.deepcopy(json.loads(rules.files()[rules.INDEX]))


def test_all_forms_codes_and_parameters_are_in_it() -> None:
    found = index()
    versions = [f"{one.code} {number}" for one in catalogue().entries.values() for number in one.versions]
    assert list(found["forms"]) == sorted(versions)
    assert set(found["codes"]) == set(REJECTIONS)
    assert found["parameters"]["rates.pension.employee"]["values"]["2026-01-01"] == "0.0850"
    for part in (
        "forms.decsal.1.0.xsd",
        "codes.salret.yaml",
        "parameters.rates.yaml",
        "forms.catalogue.yaml",
    ):
        assert part in rules.files()


def test_the_same_rules_make_the_same_bytes() -> None:
    """Also in another process, where sets and hashes have another order."""
    script = "from gateway import rules; print(rules.digest())"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**environment(), "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
        )
        assert done.stdout.strip() == rules.digest()


def test_a_pack_is_read_by_its_seal_alone(keys: Path) -> None:
    raw = rules.publish("2026.11", signer(keys), AT)
    pack = rules.read(raw, load_seals(keys / "ours.cert.pem"))
    assert (pack.version, pack.digest) == ("2026.11", rules.digest())
    with pytest.raises(ForeignSeal):
        rules.read(raw, load_seals(keys / "theirs.cert.pem"))
    other = signer(keys).sign_container({"a.txt": b"a"}, AT)
    with pytest.raises(rules.NotAPack):
        rules.read(other, load_seals(keys / "ours.cert.pem"))


def test_nothing_changes_between_the_same(keys: Path) -> None:
    assert changes(index(), index()) == []
    pack = rules.read(rules.publish("2026.11", signer(keys), AT), load_seals(keys / "ours.cert.pem"))
    assert "Nothing changes" in notice(pack, pack)


def test_every_kind_of_change_is_told_with_whom_and_when() -> None:
    old, new = index(), index()
    del new["codes"]["SALRET-7"]
    new["codes"]["SALRET-8"]["since"] = "2027-01-01"
    new["codes"]["SALRET-9"]["text"]["fr"] = "Autrement"
    new["codes"]["SALRET-77"] = {**new["codes"]["SALRET-8"], "since": "2027-03-01"}
    fields = new["forms"]["DECSAL 1.0"]["fields"]
    del fields["Capped"]
    fields["Reference"]["required"] = True
    fields["New"] = {"type": "Euro", "required": False, "meaning": "something"}
    new["forms"]["SALRET 2.0"] = {"direction": "out", "from": "2027-04-01", "until": None, "fields": {}}
    new["forms"]["SALRET 1.0"]["until"] = "2027-03-31"
    new["parameters"]["rates.pension.employee"]["values"]["2027-01-01"] = "0.0900"
    told = changes(old, new)
    sends, reads = "who sends DECSAL", "who reads SALRET"
    said = {(one.subject, one.what.partition(":")[0].partition(" (")[0], one.whom, one.since) for one in told}
    pays = "employees, and who computes contributions"
    assert said == {
        ("SALRET-7", "not given any more", sends, "with this pack"),
        ("SALRET-8", "given from 2027-01-01 until further notice", sends, "2027-01-01"),
        ("SALRET-9", "said in other words", sends, "with this pack"),
        ("SALRET-77", "new", sends, "2027-03-01"),
        ("DECSAL 1.0", "field Capped is gone", sends, "with this pack"),
        ("DECSAL 1.0", "field Reference is required now", sends, "with this pack"),
        ("DECSAL 1.0", "new field New, optional", sends, "with this pack"),
        ("SALRET 2.0", "a new form", reads, "2027-04-01"),
        ("SALRET 1.0", "in force until 2027-03-31", reads, "2027-03-31"),
        ("rates.pension.employee", "0.0900", pays, "2027-01-01"),
    }
    assert all(isinstance(one, Change) for one in told)


def ask(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("rules", *words), capture_output=True, text=True, env=environment(), check=False, timeout=60
    )


def test_the_commands(keys: Path, tmp_path: Path) -> None:
    pack = tmp_path / "rules-2026.11.asice"
    sealed = ["--key", str(keys / "ours.key.pem"), "--certificate", str(keys / "ours.cert.pem")]
    done = ask("publish", str(pack), "--version", "2026.11", *sealed)
    assert done.returncode == 0, done.stderr
    assert json.loads(ask("show", "--json").stdout)["digest"] == rules.digest()
    verified = ask("verify", str(pack), "--seal", str(keys / "ours.cert.pem"), "--json")
    assert (verified.returncode, json.loads(verified.stdout)["same"]) == (0, True)
    foreign = ask("verify", str(pack), "--seal", str(keys / "theirs.cert.pem"))
    assert (foreign.returncode, "not the gateway's seal" in foreign.stderr) == (1, True)
    told = ask("changes", str(pack), str(pack), "--seal", str(keys / "ours.cert.pem"))
    assert "Nothing changes" in told.stdout
