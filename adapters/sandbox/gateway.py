"""A gateway that plays a script. All of it is the real one but its clock, its edge and the magic numbers."""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI

from adapters.connections import Served
from adapters.sandbox.control import add_control
from adapters.sandbox.edge import Edge
from adapters.sandbox.premises import NotASandbox, check, clock_file, is_sandbox
from adapters.sandbox.script import Script
from adapters.sandbox.treatment import ScriptedTreatment
from adapters.serve import Gateway
from adapters.settings import Settings
from adapters.treatment import Treatment
from gateway.process import Desk, Examined, examine
from inbox.receive import Deposit


class Sandbox(Gateway):
    """A sandbox on premises of its own.

    Raises:
        NotASandbox: on those of another gateway.
    """

    def __init__(self, settings: Settings) -> None:
        check(settings)
        if not is_sandbox(settings.data):
            raise NotASandbox(f"{settings.data} is no sandbox")
        self.script = Script(clock_file(settings.data))
        super().__init__(settings, self.script.now)

    def examine(self, deposit: Deposit) -> Examined:
        """What there is in a deposit, without the script.

        Raises:
            Rejected: the sender's fault with the file.
        """
        return examine(self.spool.read(deposit.id), deposit, self._counter)

    def _treatment(self, desk: Desk, alarm: timedelta) -> Treatment:
        return ScriptedTreatment(
            self.database, self.spool, self.seal, desk, self.clock, alarm, script=self.script
        )

    def _front(self, hall: Served, door: FastAPI) -> Served:
        add_control(door, self.script, self.engine.wake)
        return Edge(hall, self.script)
