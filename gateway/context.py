"""What a handler may know beside the batch: when, whose, by what right, and the registers."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.batch import MemberId
from gateway.mandates import Rights
from gateway.moments import Received
from gateway.registers import Registers

_NOBODYS = Rights({})


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of one batch.

    Attributes:
        deposit: number of the deposit, in the order of receipt.
        received: decides forms, keys and mandates; the current month for deadlines.
        sender: the member who signed.
        rights: for which employers that member may use this procedure on that day.
        registers: bound to the transaction of this batch.
        sender_is_agency: whether that member is registered as a temporary-work agency.
        invoices: for which employers the sender may read what is charged at that moment.
        sender_is_fiduciary: whether it is registered as a fiduciary, who acts for others.
    """

    deposit: int
    received: Received
    sender: MemberId
    rights: Rights
    registers: Registers
    sender_is_agency: bool
    sender_is_fiduciary: bool = False
    invoices: Rights = _NOBODYS
