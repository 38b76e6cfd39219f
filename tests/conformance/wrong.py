"""Payroll products that are deliberately wrong, each in one respect: its docstring tells it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from lxml import etree

from gateway import client
from gateway.client.https import enter
from gateway.conformance.example import Product
from gateway.moments import system_clock
from gateway.returns import acktrt
from signing.sign import Signer


class Misnames(Product):
    """Its files are called as the payroll program likes it."""

    def batch(self) -> Path:
        made = super().batch()
        return made if made.name.startswith("wages") else made.rename(made.with_name("wages-july.ASICE"))


class DoesNotSign(Product):
    """What it sends bears no signature."""

    def batch(self) -> Path:
        super().batch()
        (found,) = (self.folder / "plain").glob("*.XML") if (self.folder / "plain").exists() else self._made()
        return found

    def _made(self) -> Sequence[Path]:
        return [made.file for made in client.convert([self.folder / "DECSAL.dta"], self.folder / "plain")]


class WritesAnotherForm(Product):
    """Its amounts have no decimals, which the form asks for."""

    def batch(self) -> Path:
        made = self.folder / "changed"
        if made.exists():
            return next(made.glob("*.XML"))
        super().batch()
        (plain,) = client.convert([self.folder / "DECSAL.dta"], self.folder / "plain")
        root = etree.parse(str(plain.file)).getroot()
        for wage in root.iter("{*}BaseWage"):
            wage.text = "three thousand"
        signer = Signer.load(self.profile.key, self.profile.certificate)
        made.mkdir()
        file = made / plain.file.name
        file.write_bytes(signer.sign(root, system_clock()))
        return file


class Rounds(Product):
    """It sends whole euros."""

    def lines(self) -> Iterator[bytes]:
        for wage in self.input["wages"]:
            wage["base_wage"] = wage["base_wage"][:-2] + "00"
        yield from super().lines()


class SignsAnew(Product):
    """It makes and signs the batch anew at each try, under a new name."""

    def send(self) -> int:
        for made in (self.folder / "signed").glob("*"):
            made.unlink()
        made = self.batch()
        with enter(self.profile) as door:
            door.deposit(made.name, made.read_bytes())
        return 0


class GivesUp(Product):
    """A busy gateway is none of its business: it says that it has sent."""

    def send(self) -> int:
        made = self.batch()
        with contextlib.suppress(client.NotNow), enter(self.profile) as door:
            door.deposit(made.name, made.read_bytes())
        return 0


class Reads(Product):
    """It reads what is listed without the senders' client."""

    def collect(self) -> int:
        answers = self.folder / "answers"
        answers.mkdir(exist_ok=True)
        with httpx2.Client(base_url=self.profile.https, verify=_trusting(self.profile)) as door:
            for one in door.get("/v1/outbox").json()["answers"]:
                content = door.get(f"/v1/outbox/{one['id']}").content
                if self.believes(content):
                    (answers / one["name"]).write_bytes(content)
                    self.take(door, one, content)
        self.write()
        return 0

    def believes(self, content: bytes) -> bool:
        return client.seal_verdict(content, self.profile.seal) == "good"

    def take(self, door: httpx2.Client, listed: Mapping[str, str], content: bytes) -> None:
        held = {"digest": hashlib.sha256(content).hexdigest()}
        door.post(f"/v1/outbox/{listed['id']}/acknowledged", json=held)


class BelievesEverything(Reads):
    """It never checks the seal."""

    def believes(self, content: bytes) -> bool:
        return True


class NeverAcknowledges(Reads):
    """It never says that it has an answer."""

    def take(self, door: httpx2.Client, listed: Mapping[str, str], content: bytes) -> None:
        pass


class AcknowledgesOnce(Reads):
    """Whether its acknowledgement was taken it does not look at, and gives none again."""

    def take(self, door: httpx2.Client, listed: Mapping[str, str], content: bytes) -> None:
        tried = self.folder / f"{listed['id']}.tried"
        if not tried.exists():
            tried.touch()
            super().take(door, listed, content)


class LosesWhatWasCut(Product):
    """An answer whose acknowledgement found no end it throws away, as if the gateway would give it again."""

    def collect(self) -> int:
        try:
            return super().collect()
        except client.NotNow:
            for file in (self.folder / "answers").glob("SECU.*"):
                file.write_bytes(b"")
                file.rename(file.with_name(f"lost.{file.name}"))
            self.write()
            return 0


class CountsTwice(Reads):
    """What is listed twice it takes twice."""

    def take(self, door: httpx2.Client, listed: Mapping[str, str], content: bytes) -> None:
        super().take(door, listed, content)
        with (self.folder / "counted").open("a") as counted:
            counted.write(f"{listed['name']}\n")

    def known(self) -> list[str]:
        return (self.folder / "counted").read_text().split()


class KnowsNoParts(Product):
    """A file is taken or it is not: of a partial one it says that all took effect."""

    def understand(self, answer: acktrt.Acknowledgement, told: dict[str, Any]) -> None:
        super().understand(answer, told)
        if answer.verdict == "partial":
            told["records"] = dict.fromkeys(told["records"], "accepted")
            told["codes"] = {}

    def give_back(self, file: Path, told: dict[str, Any]) -> None:
        pass


class KnowsNoHolds(Product):
    """What waits it takes for done."""

    def understand(self, answer: acktrt.Acknowledgement, told: dict[str, Any]) -> None:
        super().understand(answer, told)
        told["records"] = {
            place: "accepted" if state == "held" else state for place, state in told["records"].items()
        }


class LooksOnce(Product):
    """Once it has its acknowledgement it does not look again."""

    def write(self) -> None:
        done = self.folder / "result.kept"
        if done.exists():
            (self.folder / "result.json").write_text(done.read_text())
            return
        super().write()
        if json.loads((self.folder / "result.json").read_text())["file"] != "pending":
            done.write_text((self.folder / "result.json").read_text())


class AssumesSilence(Product):
    """No answer yet is a good answer."""

    def write(self) -> None:
        super().write()
        told = json.loads((self.folder / "result.json").read_text())
        if told["file"] == "pending":
            told["file"] = "accepted"
            told["records"] = {str(place): "accepted" for place in range(1, len(self.input["wages"]) + 1)}
            (self.folder / "result.json").write_text(json.dumps(told))


class HidesRefusals(Product):
    """It shows that a file was refused, and not why."""

    def write(self) -> None:
        super().write()
        told = json.loads((self.folder / "result.json").read_text())
        if told["file"] == "rejected":
            told["codes"] = {}
            (self.folder / "result.json").write_text(json.dumps(told))


class WritesNothing(Product):
    """It keeps what it knows to itself."""

    def write(self) -> None:
        pass


WRONG = {
    "name": (Misnames, "accepted"),
    "signature": (DoesNotSign, "accepted"),
    "form": (WritesAnotherForm, "accepted"),
    "content": (Rounds, "accepted"),
    "once": (SignsAnew, "cut"),
    "sent": (GivesUp, "busy"),
    "result": (WritesNothing, "accepted"),
    "seal": (BelievesEverything, "forged"),
    "acknowledged": (NeverAcknowledges, "accepted"),
    "doubled": (CountsTwice, "doubled"),
    "partial": (KnowsNoParts, "partial"),
    "rejected": (HidesRefusals, "file-rejected"),
    "held": (KnowsNoHolds, "held"),
    "late": (LooksOnce, "late"),
    "pending": (AssumesSilence, "pending"),
}
"""By the check that each fails: the product, and the case that shows it."""

WRONG_ON_THE_ROAD = (
    ("doubled", CountsTwice, "late-doubled"),
    ("acknowledged", AcknowledgesOnce, "unheard"),
    ("accepted", LosesWhatWasCut, "acknowledged-cut"),
)
"""The same for cases in which something gets lost or comes again."""


def _trusting(profile: client.Profile) -> Any:
    trusted = ssl.create_default_context(cafile=str(profile.trust))
    trusted.load_cert_chain(profile.certificate, profile.key)
    return trusted
