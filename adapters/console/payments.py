"""The console's page of payments that belong to nobody yet: whose each is, is proposed here, and counts once
a second person has approved it."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from adapters.bank import intake
from adapters.console.access import HOME, ConsoleVisitor, admit, console_of
from adapters.console.pages import asked, reading
from adapters.pages.frame import go_to, page, say
from gateway.matricule import is_employer

LONGEST_REFERENCE = 100


def add_payments(app: FastAPI) -> None:
    """Add the page of payments of nobody yet."""

    @app.get(f"{HOME}/payments")
    async def ask(request: Request, visitor: ConsoleVisitor) -> Response:
        """The question why; what people paid is shown to nobody who does not say."""
        await admit(request, visitor, "bank unmatched")
        return await _listed(request)

    @app.post(f"{HOME}/payments")
    async def listed(request: Request, visitor: ConsoleVisitor) -> Response:
        """The payments that wait, the oldest first."""
        fields = await asked(request, visitor)
        await admit(request, visitor, "bank unmatched", reason=fields["reason"])
        return await _listed(request)

    @app.post(f"{HOME}/payments/assign")
    async def assign(request: Request, visitor: ConsoleVisitor) -> Response:
        """Propose to whom a payment belongs; it always takes a second person."""
        fields = await asked(request, visitor)
        reference, employer = fields["reference"][:LONGEST_REFERENCE], fields["employer"]
        if not is_employer(employer):
            return say(go_to(request, HOME), "console.no_such_employer", "danger")
        await admit(request, visitor, "bank assign", reference, employer, typed=True)
        return go_to(request, f"{HOME}/acts")


async def _listed(request: Request) -> Response:
    found = await reading(console_of(request), intake.waiting)
    return page(request, "console/payments.html", payments=found)
