"""A payroll product in a hundred lines, on `gateway.client`: passes all cases, and is one to begin from.

secugate conformance --against "python -m gateway.conformance.example"
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway import client, names
from gateway.client.seals import GOOD
from gateway.outcome import Verdict
from gateway.rejections import REJECTIONS, Level
from gateway.returns import acktrt, salret
from signing.parse import parse

HELD = "SALRET-HELD"
_FIELDS = 19
"""Of a line of DECSAL."""


class Product:
    """Sends the batch of one folder, and knows what became of it.

    Args:
        folder: as the kit makes it; what the product has to remember stands in it too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profile = client.Profile.load(folder / "profile.toml")
        self.input: Mapping[str, Any] = json.loads((folder / "input.json").read_text())

    def run(self, word: str) -> int:
        """Do what is asked; 0 when it is done, 1 when it has to be asked for again."""
        try:
            return self.send() if word == "send" else self.collect()
        except client.NotNow as later:
            print(later, file=sys.stderr)  # noqa: T201
            return 1

    def send(self) -> int:
        """Make the batch once, and send it as often as it takes: the same bytes are the same deposit."""
        client.send([self.batch()], self.profile)
        return 0

    def batch(self) -> Path:
        """The signed batch: made and kept the first time."""
        signed = self.folder / "signed"
        for made in signed.glob("*.ASICE"):
            return made
        file = self.folder / "DECSAL.dta"
        file.write_bytes(b"".join(self.lines()))
        (one,) = client.sign([file], self.profile, signed)
        return one.file

    def lines(self) -> Iterator[bytes]:
        """The batch as payroll programs write it: CR LF after each line, amounts in cents."""
        member = self.profile.member
        yield f"0;{member.matricule};{member.number}\r\n".encode()
        period = self.input["period"].replace("-", "")
        for wage in self.input["wages"]:
            cents = wage["base_wage"].replace(".", "")
            stated = ["1", self.input["employer"], wage["insured"], period, cents, str(wage["hours"])]
            zeros = ["0"] * 7
            blank = [""] * (_FIELDS - len(stated) - len(zeros))
            yield (";".join([*stated, *zeros, *blank]) + ";\r\n").encode()

    def collect(self) -> int:
        """Collect what is new; write what is known of the batch by all that was ever collected."""
        answers: Sequence[client.Answer] = ()
        try:
            answers = client.collect(self.profile, self.folder / "answers").answers
        finally:
            self.write()
        return 0 if all(one.seal == GOOD for one in answers) else 1

    def known(self) -> list[str]:
        """The names of all answers that are kept and bear the gateway's seal; acknowledgements first."""
        kept = (file.name for file in (self.folder / "answers").glob("SECU.*"))
        return sorted(kept, key=lambda name: (names.parse(name).kind != acktrt.CODE, name))

    def write(self) -> None:
        """Write `result.json`."""
        told: dict[str, Any] = {"file": "pending", "records": {}, "codes": {}, "answers": self.known()}
        for name in told["answers"]:
            file = self.folder / "answers" / name
            kind = names.parse(name).kind
            if kind == acktrt.CODE:
                self.understand(acktrt.read(parse(file.read_bytes())), told)
            elif kind == salret.CODE:
                self.give_back(file, told)
        (self.folder / "result.json").write_text(json.dumps(told, indent=1))

    def understand(self, answer: acktrt.Acknowledgement, told: dict[str, Any]) -> None:
        """An acknowledgement: the verdict, and how each record fared."""
        told["file"] = answer.verdict
        if not answer.records:
            told["codes"]["0"] = [one.code for one in answer.anomalies]
            return
        states = dict.fromkeys(range(1, answer.records + 1), "accepted")
        for one in answer.anomalies:
            if one.record is None:
                continue
            if REJECTIONS[one.code].level is Level.RECORD:
                states[one.record] = Verdict.REJECTED
                told["codes"].setdefault(str(one.record), []).append(one.code)
            elif one.code == HELD:
                states[one.record] = "held"
        told["records"] = {str(place): state for place, state in states.items()}

    def give_back(self, file: Path, told: dict[str, Any]) -> None:
        """A return, at once or months later: these records had no effect."""
        for one in salret.read(parse(file.read_bytes())).rejected:
            told["records"][str(one.record)] = Verdict.REJECTED
            told["codes"].setdefault(str(one.record), [f"SALRET-{code}" for code in one.codes])


if __name__ == "__main__":
    sys.exit(Product(Path(sys.argv[2])).run(sys.argv[1]))
