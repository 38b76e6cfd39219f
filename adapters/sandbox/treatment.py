"""The treatment of a sandbox: the real one, with what the script says of magic numbers and delays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.database import deposits
from adapters.treatment import Prepared, Treatment
from gateway import process, sandbox
from gateway.batch import Anomaly
from gateway.outcome import NotYet, Rejected

if TYPE_CHECKING:
    from datetime import timedelta

    import sqlalchemy as sa

    from adapters.database import Database
    from adapters.sandbox.script import Script
    from adapters.spool import Spool
    from gateway.batch import Batch
    from gateway.context import Context
    from gateway.moments import Clock
    from gateway.outcome import Outcome
    from gateway.returns import acktrt
    from gateway.seal import Seal


class ScriptedTreatment(Treatment):
    """Treats deposits as the script says."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        seal: Seal,
        desk: process.Desk,
        clock: Clock,
        alarm: timedelta,
        *,
        script: Script,
    ) -> None:
        super().__init__(database, spool, seal, desk, clock, alarm)
        self._script = script

    def prepare(self, number: int) -> Prepared:
        """Everything that needs no lock, later than otherwise if the script says so."""
        prepared = super().prepare(number)
        if prepared is None:
            return None
        with self._database.read() as connection:
            received = deposits.get(connection, number).deposit.received
        if self._script.now() < received + self._script.delay:
            return NotYet("the sandbox plays a late answer")
        return _refused(prepared) if isinstance(prepared, process.Examined) else prepared

    def answer(
        self, connection: sa.Connection, number: int, prepared: process.Examined | Rejected
    ) -> acktrt.Acknowledgement:
        """Effect and answers of a deposit that is simulated, as those of one that is sent."""
        if isinstance(prepared, process.Examined):
            prepared = _refused(prepared)
        return super().answer(connection, number, prepared)

    def _judge(self, batch: Batch, context: Context) -> Outcome:
        judged = super()._judge(sandbox.without_scripted(batch), context)
        return sandbox.with_scripted(batch, judged)


def _refused(examined: process.Examined) -> process.Examined | Rejected:
    """A batch with the number of a code that refuses the whole file is refused under it."""
    code = sandbox.file_code(examined.batch)
    return examined if code is None else Rejected(Anomaly(code, value="as the sandbox was asked to"))
