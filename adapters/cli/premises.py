"""What the operator's commands share: the folder of a gateway, and how numbers and days are read."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.admission import admit
from adapters.cli.output import refused, wrong_use
from adapters.database import Database
from adapters.database.migrations import WrongSchema, check
from adapters.premises import Premises, database_of, is_made
from adapters.settings import Settings
from gateway.batch import MemberId
from gateway.matricule import is_employer
from gateway.moments import Received, system_clock

Folder = Annotated[Path | None, typer.Option("--data", help="Folder of the gateway (or SECUGATE_DATA).")]


def settings_of(folder: Path | None, **more: object) -> Settings:
    """The settings of a gateway: of the folder given, else of the environment; what is None is not set."""
    given = {name: value for name, value in more.items() if value is not None}
    return Settings(**given) if folder is None else Settings(data=folder, **given)  # type: ignore[arg-type]


def open_gateway(folder: Path | None) -> tuple[Premises, Database, Settings]:
    """A gateway that was made before, for whoever gives the command; wrong use when there is none."""
    settings = settings_of(folder)
    premises = Premises(settings.data)
    if not is_made(settings):
        wrong_use(f"{settings.data} is no gateway. Make one with: secugate init --data {settings.data}")
    database = database_of(settings)
    try:
        check(database)
    except WrongSchema as error:
        refused(f"Not opened: {error}.")
    admit(premises, database, settings)
    return premises, database, settings


def member_of(text: str) -> MemberId:
    """The member that a text of 19 digits names; wrong use when it names none."""
    matricule, number = text[:13], text[13:]
    if not (is_employer(matricule) and len(number) == 6 and number.isascii() and number.isdigit()):
        wrong_use(
            f"A member is its 13-digit employer matricule and 6-digit SECUline number, joined; not {text}"
        )
    return MemberId(matricule, number)


def employer_of(text: str) -> str:
    """An employer matricule with right check digits; wrong use when it is none."""
    if not is_employer(text):
        wrong_use(f"{text} is no employer matricule: 13 digits with right check digits")
    return text


def right_now() -> Received:
    """The moment of the call."""
    return Received(system_clock())


def day_of(text: str) -> date:
    """The day that a text YYYY-MM-DD names; wrong use when it names none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        wrong_use(f"A day is written YYYY-MM-DD, not {text}")
