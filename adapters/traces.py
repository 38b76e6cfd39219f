"""What a tracing system is told of the way of deposits (OpenTelemetry): when each step of it began and ended.

A deposit is one trace, and its id, written without hyphens, is the id of that trace: who has the reference
of an answer, or a line of the log, finds the steps with it. Nothing of a member is told: no number, no name
of a file, no text of a failure. A collector that is away delays nothing; what it missed it never hears of.

Needs the extra `secugate[opentelemetry]`. Source: the specification of OpenTelemetry 1.x, OTLP over HTTP.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from importlib.metadata import version

import sqlalchemy as sa
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from adapters.database import Database, deposits
from adapters.engine import Treatment
from adapters.notices import SLICE_SECONDS
from gateway.moments import Clock, Received
from inbox.receive import Deposit, Receipt, Register

SECONDS = 2.0
"""How long a collector may take, and how long a stop waits for it."""

_begun: ContextVar[str | None] = ContextVar("_begun", default=None)
"""Of which deposit the first step is told at the moment."""


class Traces:
    """Tells a collector of steps, from a thread of its own.

    Args:
        collector: where it takes traces by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`.
        clock: of the moments told.
    """

    def __init__(self, collector: str, clock: Clock) -> None:
        self._clock = clock
        self._provider = TracerProvider(
            resource=Resource({"service.name": "secugate", "service.version": version("secugate")}),
            id_generator=_Ids(),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(collector, timeout=SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, export_timeout_millis=1000 * SECONDS))
        self._tracer = self._provider.get_tracer("secugate")

    def begin(self, deposit: Deposit) -> None:
        """A deposit has its receipt: the first step, under which all others stand."""
        token = _begun.set(deposit.id)
        try:
            span = self._tracer.start_span(
                "receive",
                context.Context(),
                attributes={"secugate.door": deposit.door, "secugate.bytes": deposit.size},
                start_time=_nanoseconds(deposit.received),
            )
        finally:
            _begun.reset(token)
        span.end(_nanoseconds(self._clock()))

    def register(self, register: Register) -> Register:
        """One that tells of receipts."""
        return _TracedRegister(register, self)

    def treatment(self, treatment: Treatment, database: Database) -> Treatment:
        """One that tells of its steps."""
        return _TracedTreatment(treatment, self, database)

    @contextmanager
    def step(self, deposit: str, name: str) -> Iterator[None]:
        """A step on the way of a deposit; of a failure its type is told."""
        first = trace.SpanContext(_trace_id(deposit), _span_id(deposit), True, trace.TraceFlags(1))
        above = trace.set_span_in_context(trace.NonRecordingSpan(first), context.Context())
        span = self._tracer.start_span(name, above, start_time=_nanoseconds(self._clock()))
        try:
            yield
        except BaseException as error:
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            span.end(_nanoseconds(self._clock()))

    def close(self) -> None:
        """Tell what is still untold, if the collector takes it in time."""
        self._provider.shutdown()


class _TracedRegister:
    def __init__(self, register: Register, traces: Traces) -> None:
        self._register = register
        self._traces = traces

    def enter(self, deposit: Deposit) -> Receipt:
        """Enter it; bytes that were there before are told of once."""
        receipt = self._register.enter(deposit)
        if not receipt.repeated:
            self._traces.begin(deposit)
        return receipt


class _TracedTreatment:
    def __init__(self, treatment: Treatment, traces: Traces, database: Database) -> None:
        self._treatment = treatment
        self._traces = traces
        self._database = database

    def prepare(self, number: int) -> object:
        """Examine a deposit."""
        with self._database.read() as connection:
            one = deposits.get(connection, number)
        with self._traces.step(one.deposit.id, "prepare"):
            return self._treatment.prepare(number)

    def conclude(self, connection: sa.Connection, number: int, prepared: object) -> None:
        """Enter what it yields."""
        one = deposits.get(connection, number)
        with self._traces.step(one.deposit.id, "conclude"):
            self._treatment.conclude(connection, number, prepared)

    def sweep(self, now: Received, seconds: float = SLICE_SECONDS) -> bool:
        """What falls due with time, of which nothing is told."""
        return self._treatment.sweep(now, seconds)


class _Ids(RandomIdGenerator):
    """Those of a first step follow from its deposit, so that every process on every machine has them."""

    def generate_trace_id(self) -> int:
        """Asked for a first step alone: all others stand under one."""
        deposit = _begun.get()
        return super().generate_trace_id() if deposit is None else _trace_id(deposit)

    def generate_span_id(self) -> int:
        deposit = _begun.get()
        return super().generate_span_id() if deposit is None else _span_id(deposit)


def _trace_id(deposit: str) -> int:
    return uuid.UUID(deposit).int


def _span_id(deposit: str) -> int:
    return int.from_bytes(hashlib.sha256(deposit.encode()).digest()[:8], "big")


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
