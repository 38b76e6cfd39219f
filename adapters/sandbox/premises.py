"""The premises of a sandbox: marked before anything else is there, and never those of another gateway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from adapters.database.members import ALL, Members
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.equipment import enter_keys, equip
from adapters.installation import install
from adapters.premises import Premises, database_of
from adapters.settings import Settings
from gateway.agreement import Agreement
from gateway.batch import MemberId
from gateway.contributions import Classification
from gateway.mandates import INVOICES
from gateway.matricule import person_number
from gateway.moments import Received
from gateway.procedures import PROCEDURES
from gateway.registers import Affiliation
from gateway.synthetic import ENVIRONMENT

EMPLOYER = "2099990001299"
"""The employer for whom the member of a new sandbox may act."""
MEMBER = MemberId(EMPLOYER, "100001")
STAFF: Sequence[str] = tuple(person_number(date(1890, 1, day), 1) for day in range(1, 10))
"""People who are affiliated with it."""

_TOLD = (
    "The premises of a sandbox: nobody in it is real, and nothing it seals has any legal effect.\n"
    "Start it with: secugate sandbox\n"
)
_NAME = "Bac à sable S.à r.l."
_FIRST = date(2020, 1, 1)
_YEARS = range(2019, 2036)


class NotASandbox(Exception):
    """A folder holds something else, or the settings speak of another gateway."""


def is_sandbox(folder: Path) -> bool:
    """Whether a folder is, or is about to be, the premises of a sandbox."""
    return Premises(folder).sandbox_mark.exists()


def member_home(folder: Path) -> Path:
    """Where the member that every sandbox has keeps keys and profile."""
    return folder / "member"


def clock_file(folder: Path) -> Path:
    """Where the time of a sandbox is kept."""
    return folder / "clock.json"


def check(settings: Settings) -> None:
    """Make sure that a sandbox may be here.

    Raises:
        NotASandbox: it may not; the sentence says why.
    """
    if settings.environment != ENVIRONMENT:
        raise NotASandbox(f"SECUGATE_ENVIRONMENT is {settings.environment}; a sandbox is for tests alone")
    for name in ("database", "store", "master_key", "pkcs11_module"):
        if getattr(settings, name):
            raise NotASandbox(
                f"SECUGATE_{name.upper()} is set; a sandbox shares nothing with another gateway: unset it"
            )
    folder = settings.data
    if folder.exists() and any(folder.iterdir()) and not is_sandbox(folder):
        raise NotASandbox(f"{folder} holds something else; name a new folder with --data")


def make(settings: Settings, now: datetime) -> None:
    """Make a sandbox in a new folder: a gateway, one employer with some staff, one member who may do all.

    Raises:
        NotASandbox: it may not be there.
    """
    check(settings)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    Premises(settings.data).sandbox_mark.write_text(_TOLD)
    install(settings, now)
    database, at = database_of(settings), Received(now)
    members = Members(database)
    members.enter_employer(EMPLOYER, name=_NAME, years=dict.fromkeys(_YEARS, Classification(2, 85)))
    members.register(MEMBER, name=_NAME, kind="employer", at=at)
    members.agree(MEMBER, Agreement(ALL, own_computation=True), at)
    codes = [*(one.code for one in PROCEDURES), INVOICES]
    members.grant(MEMBER, EMPLOYER, codes, first=_FIRST, last=None, at=at)
    with database.write() as connection:
        register = SqlAffiliations(connection)
        for insured in STAFF:
            register.open(Affiliation(EMPLOYER, insured, _FIRST, None, "I", "03"))
    equip(member_home(settings.data), MEMBER, _NAME, Premises(settings.data), at)
    enter_keys(members, MEMBER, member_home(settings.data), at)
    database.close()
