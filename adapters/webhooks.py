"""Telling members at an address of theirs that an answer was posted.

An event is a CloudEvent (1.0, structured JSON) with ids and nothing of what an answer says. It is signed by
HTTP Message Signatures with the key of our seal (`signing.messages`), each try anew, with an end after five
minutes and a nonce. An address that does not answer 2xx is asked again, later each time; it comes in
the order of the outbox, and at least once. The outbox has it all in any case.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from adapters.calling import Caller, NoAnswer, NotCalled
from adapters.database.webhooks import Posted, Webhook, Webhooks
from gateway.moments import Clock, Received
from gateway.seal import Seal
from signing.messages import content_digest, sign_message

log = structlog.get_logger()

TAG = "secugate-event"
KIND = "application/cloudevents+json; charset=utf-8"
POSTED, REGISTERED = "org.secugate.answer.posted.v1", "org.secugate.webhook.registered.v1"
EVERY_SECONDS = 2.0
AT_ONCE, OF_ONE = 8, 100
"""Addresses that are called at a time; events of one before others have their turn."""
LONGEST_AFTER = timedelta(days=1)
"""No address makes us wait longer, whatever it says."""
GONE = 410


class Delivery:
    """Tells addresses what they have not been told.

    Args:
        source: our own address, which every event names.
        leads: whether it is for this process to do so.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        seal: Seal,
        clock: Clock,
        source: str,
        leads: Callable[[], bool],
        caller: Caller,
    ) -> None:
        self._webhooks = webhooks
        self._seal = seal
        self._clock = clock
        self._source = source
        self._leads = leads
        self._caller = caller
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the calls under way have their answers."""
        self._stopping.set()
        self._thread.join()

    def round(self) -> int:
        """Tell all for whom there is something; how many that were."""
        due = self._webhooks.due(Received(self._clock()), AT_ONCE)
        with ThreadPoolExecutor(AT_ONCE) as callers:
            list(callers.map(self._tell_all, due))
        return len(due)

    def _tell_all(self, one: Webhook) -> None:
        """Tell an address what comes next, until it does not take it."""
        cursor, told = one.cursor, 0
        try:
            if one.confirmed is None:
                self._tell(one, self._first(one))
            for posted in self._webhooks.waiting(one, OF_ONE):
                if self._stopping.is_set():
                    break
                self._tell(one, self._event(posted))
                cursor, told = posted.cursor, told + 1
        except _NotTaken as reason:
            now = Received(self._clock())
            log.info("webhook.not-taken", webhook=one.id, final=reason.is_final)
            if reason.is_final:
                self._webhooks.give_up(one, cursor, now, str(reason))
            else:
                self._webhooks.failed(one, cursor, now, str(reason), reason.after)
            return
        self._webhooks.told(one, cursor, Received(self._clock()))

    def _tell(self, one: Webhook, event: dict[str, object]) -> None:
        """Post an event.

        Raises:
            _NotTaken: the address does not take it.
        """
        content = json.dumps(event, separators=(",", ":")).encode()
        fields = {"content-digest": content_digest(content), "content-type": KIND}
        message = {"@method": "POST", "@target-uri": one.url, **fields}
        fields |= sign_message(
            self._seal.sign_message,
            message,
            tag=TAG,
            nonce=secrets.token_hex(16),
            created=self._clock(),
        )
        try:
            status, after = self._caller.post(one.url, fields, content)
        except (NotCalled, NoAnswer) as reason:
            raise _NotTaken(str(reason)) from None
        if status == GONE:
            raise _NotTaken("it answered 410: it wants to be told nothing any more", is_final=True)
        if not 200 <= status < 300:
            seconds = int(after) if after.isascii() and after.isdigit() and len(after) < 8 else 0
            raise _NotTaken(f"it answered {status}", min(timedelta(seconds=seconds), LONGEST_AFTER))

    def _first(self, one: Webhook) -> dict[str, object]:
        return self._cloud(one.id, REGISTERED, str(one.registered), {"webhook": one.id, "cursor": one.cursor})

    def _event(self, posted: Posted) -> dict[str, object]:
        of: dict[str, object] = {"answer": posted.id, "type": posted.kind, "deposit": posted.deposit}
        of["cursor"] = posted.cursor
        return self._cloud(posted.id, POSTED, posted.posted, of)

    def _cloud(self, identifier: str, kind: str, at: str, content: dict[str, object]) -> dict[str, object]:
        return {
            "specversion": "1.0",
            "id": identifier,
            "source": self._source,
            "type": kind,
            "time": at,
            "datacontenttype": "application/json",
            "data": content,
        }

    def _run(self) -> None:
        while not self._stopping.is_set():
            found = 0
            try:
                if self._leads():
                    found = self.round()
            except Exception as error:
                log.error("webhooks.failed", reason=type(error).__name__)
            if found < AT_ONCE:
                self._stopping.wait(EVERY_SECONDS)


class _NotTaken(Exception):
    """An address did not take an event."""

    def __init__(self, reason: str, after: timedelta = timedelta(0), *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.after = after
        self.is_final = is_final
