"""`secugate conformance`: whether a payroll product does all that it has to."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, Status, console, not_now, print_json, print_table, wrong_use
from gateway.conformance import Tried, cases, report
from gateway.moments import system_clock
from signing.sign import Signer, UnusableKey

app = typer.Typer()


@app.command()
def conformance(
    against: Annotated[
        str, typer.Option(help="The product: a command, called with `send FOLDER` and `collect FOLDER`.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for report.xml and badge.svg.")] = Path("conformance"),
    case: Annotated[list[str] | None, typer.Option(help="Only this case; may be repeated.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM key that seals the report; the sandbox's.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM certificate of that key.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try a payroll product on a sandbox of its own; exits with 1 unless it passes.

    The cases and what the product has to do: gateway/conformance/cases (README.md there).
    """
    known = {one.name: one for one in cases()}
    if unknown := set(case or ()) - known.keys():
        wrong_use(f"There is no case {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if (key is None) != (certificate is None):
        wrong_use("Give both, --key and --certificate, or none")
    chosen = [known[name] for name in case or known]
    # Loaded here: it is a whole gateway.
    kit = import_module("adapters.conformance")
    try:
        with tempfile.TemporaryDirectory(prefix="secugate-conformance-") as folder:
            product = kit.command(against)
            own = None
            if key is not None and certificate is not None:
                own = Signer.load(key, certificate), certificate.read_bytes()
            with kit.bench(Path(folder)) as bench:
                tried = [bench.try_on(one, product) for one in chosen]
                premises = bench.gateway.premises
                ours = bench.gateway.seal.signer, premises.signing_certificate.read_bytes()
            _keep(out, against, tried, *(own or ours))
    except kit.NotTried as no:
        not_now(f"Not tried: {no}")
    except (OSError, UnusableKey, ValueError) as fault:
        wrong_use(f"Not tried: {fault}")
    _tell(tried, out, as_json=as_json)
    if not report.passed(tried):
        raise typer.Exit(Status.REFUSED)


def _keep(out: Path, product: str, tried: list[Tried], signer: Signer, certificate: bytes) -> None:
    now = system_clock()
    out.mkdir(parents=True, exist_ok=True)
    document = report.write(product, tried, now, complete=len(tried) == len(cases()))
    (out / "report.xml").write_bytes(signer.sign(document, now))
    (out / "report.seal.pem").write_bytes(certificate)
    (out / "badge.svg").write_text(report.badge(tried))


def _tell(tried: list[Tried], out: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "passed": report.passed(tried),
                "report": str(out / "report.xml"),
                "badge": str(out / "badge.svg"),
                "cases": [
                    {
                        "name": one.case.name,
                        "passed": one.passed,
                        "findings": [{"check": f.check, "sentence": f.sentence} for f in one.findings],
                    }
                    for one in tried
                ],
            }
        )
        return
    rows = (
        (
            one.case.name,
            "passed" if one.passed else f"failed: {one.findings[0].check}",
            one.findings[0].sentence if one.findings else "",
        )
        for one in tried
    )
    print_table("Conformance", ("Case", "Verdict", "Why"), rows, wraps="Why")
    console.print(f"{out / 'report.xml'}, sealed; {out / 'badge.svg'}", markup=False, highlight=False)
