"""The vector files, read; and the world in which their records are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from gateway.batch import Attachment, Batch, Header, MemberId, Record
from gateway.context import Context
from gateway.mandates import rights
from gateway.matricule import company_number, person_number
from gateway.memory import memory_registers
from gateway.moments import Period, Received
from gateway.procedures import PROCEDURES, procedure
from gateway.registers import (
    Absence,
    AbsenceState,
    Activity,
    ActivityState,
    Address,
    Affiliation,
    Company,
    Employer,
    Identity,
    InsuredMonth,
    Mandate,
    MandateState,
    Mission,
    Registers,
    Wage,
    WageKey,
    WageState,
)

FOLDER = Path(__file__).parent.parent / "vectors"

SENDER = MemberId("2099990005599", "123456")
ALL_CODES = frozenset(procedure.code for procedure in PROCEDURES)


@dataclass(frozen=True)
class Case:
    """One record of a vector: its fields in the order of the form, the codes due, what becomes of it.

    `codes` refuse the record, `hints` do not.
    """

    fields: Mapping[str, str]
    codes: tuple[str, ...]
    becomes: str
    later: Mapping[str, Any] | None
    hints: tuple[str, ...] = ()

    @property
    def due(self) -> tuple[str, ...]:
        """All codes that the record gets, at once or later."""
        return (*self.codes, *self.hints, *(self.later or {}).get("codes", ()))


@dataclass(frozen=True)
class Vector:
    """One vector: `form` says that the form refuses its record before any rule is asked.

    `world` is that of its file, with what the vector itself says of it; `hints` are about no record.
    """

    procedure: str
    name: str
    form: bool
    cases: tuple[Case, ...]
    world: World = field(repr=False)
    hints: tuple[str, ...] = ()

    @property
    def due(self) -> set[str]:
        """All codes that the file or one of its records gets, at once or later."""
        return {*self.hints, *(code for case in self.cases for code in case.due)}

    def __str__(self) -> str:
        return f"{self.procedure}-{self.name}"


@dataclass(frozen=True)
class World:
    """What a vector file says about the world of its records."""

    procedure: str
    received: Received
    content: Mapping[str, Any]

    def registers(self) -> Registers:
        """Fresh registers that know what the file says."""
        employers = self.content["employers"]
        registers = memory_registers(
            persons={
                **{_identity(row): row["matricule"] for row in self.content.get("persons", ())},
                **{
                    Identity("TAKEN", str(serial), born): person_number(born, serial)
                    for born in map(date.fromisoformat, self.content.get("full_birth_dates", ()))
                    for serial in range(1, 1000)
                },
            },
            employers=[
                (year, Employer(row["matricule"], "Example", 2, 85, household=row.get("household", False)))
                for row in employers
                for year in (2019, 2026)
            ]
            + [
                (2026, Employer(f"{national}{extension:02d}", f"Taken {extension}", 2, 85))
                for national in self.content.get("full_legal_persons", ())
                for extension in range(100)
            ],
            mandates=[
                *(
                    Mandate(number, SENDER, row["matricule"], ALL_CODES, date(2019, 1, 1))
                    for number, row in enumerate(employers, start=1)
                    if row.get("mandate", True)
                ),
                *map(_mandate, self.content.get("mandates", ())),
            ],
            companies={
                **{_company(row): row["number"] for row in self.content.get("companies", ())},
                **{
                    Company("TAKEN", Address(str(serial), "", "", "", "FR")): number
                    for year in self.content.get("full_company_years", ())
                    for serial in range(1, 10_000)
                    if (number := company_number(year, serial))
                },
            },
            residences=self.content.get("residences"),
            replaced=self.content.get("replaced"),
        )
        for row in self.content.get("affiliations", ()):
            registers.affiliations.open(_affiliation(row))
        for row in self.content.get("missions", ()):
            mission = _mission(row)
            registers.missions.open(mission)
            registers.affiliations.open(mission.affiliation)
        registers.wages.add((_wage(row), WageState.CURRENT) for row in self.content.get("wages", ()))
        registers.absences.add(
            (_absence(row), AbsenceState.CURRENT) for row in self.content.get("absences", ())
        )
        for row in self.content.get("activities", ()):
            registers.activities.add(_activity(row), ActivityState.CURRENT)
        return registers

    def context(self, registers: Registers, deposit: int = 1) -> Context:
        """The circumstances of a deposit."""
        granted = rights(registers.mandates.held_by(SENDER), self.procedure, self.received)
        agency = self.content.get("sender_is_agency", False)
        fiduciary = self.content.get("sender_is_fiduciary", False)
        return Context(deposit, self.received, SENDER, granted, registers, agency, fiduciary)

    def batch(self, *records: Mapping[str, str]) -> Batch:
        """A batch of records, numbered in order."""
        header = Header(self.procedure, "1.0", SENDER, "CCSS", "test", datetime(2026, 8, 3, 9, 0, tzinfo=UTC))
        return Batch(
            header,
            [Record(number, 10 * number, fields) for number, fields in enumerate(records, start=1)],
            attachments=tuple(map(_attachment, self.content.get("attachments", ()))),
        )


def _mandate(row: Mapping[str, Any]) -> Mandate:
    member, last, ended = row.get("member", str(SENDER)), row.get("last"), row.get("ended")
    return Mandate(
        row["number"],
        MemberId(member[:13], member[13:]),
        row["employer"],
        frozenset(row["procedures"].split()),
        date.fromisoformat(row.get("first", "2019-01-01")),
        date.fromisoformat(last) if last else None,
        MandateState(row.get("state", "granted")),
        ended=Received.parse(ended) if ended else None,
    )


def _affiliation(row: Mapping[str, str]) -> Affiliation:
    return Affiliation(
        row["employer"],
        row["insured"],
        date.fromisoformat(row["entry"]),
        date.fromisoformat(row["exit"]) if "exit" in row else None,
        row["contract"],
        row["scheme"],
    )


def _mission(row: Mapping[str, str]) -> Mission:
    one = _affiliation(row)
    return Mission(
        *(one.employer, one.insured, row["user"], one.entry, one.exit, one.contract, one.scheme),
        occupation=row["occupation"],
        posting=None,
        deposit=0,
        record=1,
    )


def _wage(row: Mapping[str, Any]) -> Wage:
    period = Period.parse(row["period"])
    days = row.get("first_day", 1), row.get("last_day", period.last.day)
    key = WageKey(row["employer"], row["insured"], period, *days)
    base_wage, supplements = row.get("base_wage", 381240), row.get("supplements", 0)
    return Wage(key, 0, 1, base_wage, row["hours"], supplements, 0, 0, 0, 0, 0, 0, False, None)


def _activity(row: Mapping[str, Any]) -> Activity:
    fields = {"Reference": row["reference"]}
    days = date.fromisoformat(row["first"]), date.fromisoformat(row["last"])
    # The references are not unique, the places are.
    return Activity(row["employer"], row["insured"], row["procedure"], *days, 0, days[0].toordinal(), fields)


def _attachment(row: Mapping[str, str]) -> Attachment:
    return Attachment(f"{row['kind']}.PDF", row["kind"], row["subject"], row.get("fault"))


def _absence(row: Mapping[str, Any]) -> Absence:
    month = InsuredMonth(row["employer"], row["insured"], Period.parse(row["period"]))
    first, last = date.fromisoformat(row["first"]), date.fromisoformat(row["last"])
    return Absence(month, "1", first, last, row["hours"], 0, 1)


def _identity(row: Mapping[str, str]) -> Identity:
    return Identity(row["surname"], row["first_name"], date.fromisoformat(row["born"]))


def _company(row: Mapping[str, str]) -> Company:
    address = Address(row["house_number"], row["street"], row["postcode"], row["town"], row["country"])
    return Company(row["name"], address)


def _case(row: Mapping[str, Any], good: Mapping[str, str], order: Sequence[str]) -> Case:
    stated = {name: text for name, text in {**good, **row["change"]}.items() if text is not None}
    unknown = [name for name in stated if name not in order]
    fields = {name: stated[name] for name in (*order, *unknown) if name in stated}
    codes = tuple(row.get("codes", ()))
    return Case(
        fields,
        codes,
        row.get("becomes", "rejected" if codes else "accepted"),
        row.get("later"),
        tuple(row.get("hints", ())),
    )


def _vector(row: Mapping[str, Any], world: World) -> Vector:
    order, good = procedure(world.procedure).form.fields, world.content["good"]
    cases = tuple(_case(one, good, order) for one in row.get("records", [row]))
    own = _world({**world.content, **row.get("world", {})})
    hints = tuple(row.get("file_hints", ()))
    return Vector(world.procedure, row["name"], row.get("form", False), cases, own, hints)


def _world(content: Mapping[str, Any]) -> World:
    return World(content["procedure"], Received.parse(content["received"]), content)


WORLDS: Mapping[str, World] = {
    world.procedure: world
    for path in sorted(FOLDER.glob("*.yaml"))
    for world in [_world(yaml.safe_load(path.read_text(encoding="utf-8")))]
}
"""The worlds, by procedure."""

VECTORS: tuple[Vector, ...] = tuple(
    _vector(row, world) for world in WORLDS.values() for row in world.content["vectors"]
)
"""All vectors of all files."""
