"""`secugate portal`: how somebody of a member comes to the portal for the first time."""

from __future__ import annotations

import json
from typing import Annotated

import sqlalchemy as sa
import typer

from adapters.cli.output import AsJson, console, print_json, refused, wrong_use
from adapters.cli.premises import Folder, member_of, open_gateway, right_now
from adapters.database.visits import Visits
from adapters.premises import Premises
from adapters.settings import Settings
from gateway.people import EVERY_ROLE, Role

app = typer.Typer()
portal = typer.Typer(help="The members' portal.", no_args_is_help=True)
app.add_typer(portal, name="portal")
_LONGEST = 100


@portal.callback()
def _root() -> None:
    """The members' portal."""


@portal.command("link")
def link(
    identifier: Annotated[str, typer.Argument(metavar="MEMBER", help="The member, 19 digits.")],
    person: Annotated[str, typer.Option(help="Who signs in, as the member calls them.")],
    roles: Annotated[
        str, typer.Option(help="Of somebody new, some of: reads, sends, releases, administers.")
    ] = " ".join(sorted(EVERY_ROLE)),
    subject: Annotated[
        str, typer.Option(help="Of somebody new: issuer and subject at the identity provider, with a blank.")
    ] = "",
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Print a link that signs somebody of a member in, once, within 15 minutes."""
    premises, database, settings = open_gateway(data)
    member, visits, now = member_of(identifier), Visits(database), right_now()
    name, wanted = person.strip(), frozenset(roles.replace(",", " ").split())
    if not name or len(name) > _LONGEST or not name.isprintable():
        wrong_use(f"--person is a name of at most {_LONGEST} characters")
    if not wanted or not wanted <= EVERY_ROLE:
        wrong_use(f"--roles names some of {', '.join(sorted(EVERY_ROLE))}")
    try:
        found = visits.named(member, name) or visits.register(
            member, name, map(Role, wanted), now, subject=subject.strip() or None
        )
    except sa.exc.IntegrityError:
        refused(f"There is no member {member}, or the subject is somebody else's.")
    address = f"{_portal(premises, settings)}/portal/enter?key={visits.make_link(found.id, now)}"
    if as_json:
        print_json({"person": found.name, "roles": sorted(found.roles), "link": address})
    else:
        console.print(f"For {found.name}, once, within 15 minutes:", markup=False, highlight=False)
        console.print(address, markup=False, highlight=False, soft_wrap=True)


def _portal(premises: Premises, settings: Settings) -> str:
    """Where members reach the gateway: as it says while it is open, else as the settings say."""
    if premises.doors.exists():
        address: str = json.loads(premises.doors.read_text())["https"]
        return address
    return settings.address or f"https://{settings.host}:{settings.https_port}"
