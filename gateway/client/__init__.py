"""For payroll software: what the commands of a sender do, as functions with typed results.

    from pathlib import Path
    from gateway import client

    profile = client.Profile.load(Path("profile.toml"))
    checked = client.validate(Path("DECSAL.dta"))
    if checked.valid:
        signed = client.sign([Path("DECSAL.dta")], profile, Path("signed"))
        client.send([one.file for one in signed], profile)
    for answer in client.collect(profile, Path("answers")).answers:
        print(answer.kind, answer.file, answer.seal)

Needs no server and no part of one. Each name is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.client.doors import NotNow, Refused
    from gateway.client.events import Event, read_event
    from gateway.client.exchange import collect, send, simulate
    from gateway.client.making import convert, sign
    from gateway.client.offline import validate
    from gateway.client.parcels import Ungrouped
    from gateway.client.profile import Profile
    from gateway.client.proving import evidence, reconcile, reproduce
    from gateway.client.results import (
        Answer,
        Collection,
        Converted,
        Finding,
        Misused,
        Reconciled,
        Sent,
        Signed,
        Simulated,
        Validation,
    )
    from gateway.client.seals import seal_verdict
    from gateway.client.writing import as_xml
    from signing.messages import Unproven
    from signing.sign import UnusableKey

__all__ = [
    "Answer",
    "Collection",
    "Converted",
    "Event",
    "Finding",
    "Misused",
    "NotNow",
    "Profile",
    "Reconciled",
    "Refused",
    "Sent",
    "Signed",
    "Simulated",
    "Ungrouped",
    "Unproven",
    "UnusableKey",
    "Validation",
    "as_xml",
    "collect",
    "convert",
    "evidence",
    "read_event",
    "reconcile",
    "reproduce",
    "seal_verdict",
    "send",
    "sign",
    "simulate",
    "validate",
]

_HOMES = {
    "gateway.client.doors": ("NotNow", "Refused"),
    "gateway.client.events": ("Event", "read_event"),
    "gateway.client.exchange": ("collect", "send", "simulate"),
    "gateway.client.making": ("convert", "sign"),
    "gateway.client.offline": ("validate",),
    "gateway.client.parcels": ("Ungrouped",),
    "gateway.client.profile": ("Profile",),
    "gateway.client.proving": ("evidence", "reconcile", "reproduce"),
    "gateway.client.results": (
        *("Answer", "Collection", "Converted", "Finding", "Misused", "Reconciled", "Sent", "Signed"),
        *("Simulated", "Validation"),
    ),
    "gateway.client.seals": ("seal_verdict",),
    "gateway.client.writing": ("as_xml",),
    "signing.messages": ("Unproven",),
    "signing.sign": ("UnusableKey",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(name)
