"""The administrator's commands on keys of ours and on the authorities we accept."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from adapters.cli.output import AsJson, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, open_gateway, right_now
from adapters.extras import extra
from adapters.installation import exchange_seal, issue_encryption, take_encryption
from signing.anchors import MEMBERS, Anchoring
from signing.certificates import load_certificate
from signing.sign import UnusableKey

app = typer.Typer()
seal = typer.Typer(help="Our seal: exchange its key.", no_args_is_help=True)
encryption = typer.Typer(help="What senders encrypt for: exchange its key.", no_args_is_help=True)
trust = typer.Typer(help="The authorities whose certificates we accept.", no_args_is_help=True)
app.add_typer(seal, name="seal")
app.add_typer(encryption, name="encryption")
app.add_typer(trust, name="trust")


@seal.command("exchange")
def exchange(
    key: Annotated[Path | None, typer.Option(help="New key, PEM, mode 0600.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Its certificate, PEM, with its chain; alone for a key in a module.")
    ] = None,
    data: Folder = None,
) -> None:
    """Seal with another key from now on, also in a running gateway; the throw-away authority makes one
    where none is given."""
    premises, _, _ = open_gateway(data)
    if key is not None and certificate is None:
        wrong_use("--key wants its --certificate")
    try:
        new = exchange_seal(premises, key, certificate, right_now().at)
    except (UnusableKey, OSError, ValueError) as error:
        refused(f"Nothing has changed: {error}")
    console.print(
        f"The seal is {new.subject.rfc4514_string()}, good until {new.not_valid_after_utc:%Y-%m-%d}."
        " Tell your members its certificate.",
        markup=False,
        highlight=False,
    )


@encryption.command("exchange")
def exchange_encryption(
    key: Annotated[Path | None, typer.Option(help="New RSA key, PEM, mode 0600.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Its certificate, PEM.")] = None,
    data: Folder = None,
) -> None:
    """Have senders encrypt for another key from now on, also in a running gateway; the throw-away authority
    makes one where none is given. What is encrypted for an earlier key goes on being opened."""
    premises, _, _ = open_gateway(data)
    if (key is None) != (certificate is None):
        wrong_use("--key and --certificate go together")
    try:
        if key is None or certificate is None:
            new = issue_encryption(premises, right_now().at)
        else:
            new = take_encryption(premises, key, certificate)
    except (UnusableKey, OSError, ValueError) as error:
        refused(f"Nothing has changed: {error}")
    console.print(
        f"Senders encrypt for {premises.encryption_certificate} now, good until"
        f" {new.not_valid_after_utc:%Y-%m-%d}. Hand it out to your members.",
        markup=False,
        highlight=False,
    )


@trust.command("list")
def listed(data: Folder = None, as_json: AsJson = False) -> None:
    """List the anchors, where they come from, since and until when they count, and what for."""
    premises, _, _ = open_gateway(data)
    rows = []
    for file in sorted(premises.anchors.glob("*.pem")):
        known = Anchoring.beside(file)
        for one in x509.load_pem_x509_certificates(file.read_bytes()):
            rows.append(
                {
                    "file": file.name,
                    "subject": one.subject.rfc4514_string(),
                    "source": known.source,
                    "from": known.first and known.first.isoformat(),
                    "until": known.last and known.last.isoformat(),
                    "purposes": sorted(known.purposes),
                }
            )
    if as_json:
        print_json(rows)
        return
    head = ("File", "Subject", "Source", "From", "Until", "For")
    shown = (
        tuple(" ".join(v) if isinstance(v, list) else str(v or "") for v in row.values()) for row in rows
    )
    print_table("Anchors", head, shown, wraps="Subject")


@trust.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(help="A trusted list (ETSI TS 119 612), XML.")],
    signer: Annotated[Path, typer.Option("--lotl-signer", help="PEM certificate that must have signed it.")],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Take the qualified authorities of a verified trusted list as anchors of our members.

    Those granted today; what an earlier import of the same list brought and this one does not is taken out.
    """
    premises, _, _ = open_gateway(data)
    with extra("trust-list"):
        lists = import_module("adapters.trusted_list")
    try:
        found = lists.read_list(file.read_bytes(), load_certificate(signer), right_now())
        done = lists.write_anchors(found, premises.anchors, MEMBERS)
    except (lists.NotTrusted, OSError, ValueError) as error:
        refused(f"Nothing has changed: {error}")
    if as_json:
        print_json({"anchors": [one.subject for one in found.services], "removed": list(done)})
        return
    rows = ((one.subject, one.granted.isoformat()) for one in found.services)
    print_table(f"Anchors of {found.territory}", ("Subject", "Granted since"), rows, wraps="Subject")
    for name in done:
        console.print(f"Taken out: {name}", markup=False, highlight=False)
