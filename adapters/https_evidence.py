"""What the HTTPS door tells of evidence: packs of deposits to their senders (`adapters.evidence`), and of the
journal its newest sealed head, and proofs against it (RFC 9162).

Of the journal every member may ask: heads and hashes tell nothing about anybody, and whoever has a receipt
can check with them that what we acknowledged still stands, and that nothing before it was changed.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from adapters.encryption import Erased
from adapters.evidence import Packs
from adapters.heads import Proof, Proofs
from adapters.https import CostlySender, Problem, Sender, not_found
from signing.container import MIMETYPE

Size = Annotated[int, Query(ge=1, le=2**63 - 1, description="how many entries the journal had")]
HASH = "SHA-256, hexadecimal"


class InclusionProof(BaseModel):
    """That an entry stands in the journal."""

    sequence: int = Field(description="place of the entry, from 1; its index in the tree is one less")
    size: int
    leaf: str = Field(description=f"hash of the entry, {HASH}")
    root: str = Field(description=f"of the tree of that size, {HASH}")
    proof: list[str] = Field(description=f"audit path (RFC 9162, section 2.1.3), {HASH}")


class ConsistencyProof(BaseModel):
    """That the journal of the second size begins with that of the first, unchanged."""

    first: int
    second: int
    first_root: str = Field(description=HASH)
    second_root: str = Field(description=HASH)
    proof: list[str] = Field(description=f"(RFC 9162, section 2.1.4), {HASH}")


_HEAD: dict[int | str, dict[str, object]] = {
    200: {"description": "the signed JOUHED", "content": {"application/xml": {}}}
}


_PACK: dict[int | str, dict[str, object]] = {
    200: {"description": "the sealed container", "content": {MIMETYPE: {}}}
}


def add_evidence(app: FastAPI, proofs: Proofs, packs: Packs) -> None:
    """Add the addresses of this module to the door."""

    @app.get("/v1/deposits/{identifier}/evidence", response_class=Response, responses=_PACK)
    async def evidence(identifier: str, member: CostlySender) -> Response:
        """All that proves one of your deposits, in one sealed container; entered in the journal."""
        try:
            content = await run_in_threadpool(partial(packs.make, identifier, "https", sender=str(member)))
        except Erased:
            detail = "This deposit was erased when its term had ended; nothing of it can be shown."
            raise Problem(HTTPStatus.GONE, "DOOR-ERASED", detail) from None
        if content is None:
            raise not_found()
        return Response(content, media_type=MIMETYPE)

    @app.get("/v1/journal/head", response_class=Response, responses=_HEAD)
    async def journal_head(member: Sender) -> Response:  # noqa: ARG001 (any member may ask, nobody else)
        """The newest sealed head of the journal (JOUHED)."""
        content = await run_in_threadpool(proofs.newest)
        if content is None:
            raise not_found()
        return Response(content, media_type="application/xml")

    @app.get("/v1/journal/inclusion")
    async def journal_inclusion(member: Sender, sequence: Size, size: Size) -> InclusionProof:  # noqa: ARG001
        """Prove that an entry stands in the journal of some size."""
        proof = _found(await run_in_threadpool(proofs.inclusion, sequence, size))
        return InclusionProof(
            sequence=sequence,
            size=size,
            leaf=proof.first.hex(),
            root=proof.root.hex(),
            proof=[each.hex() for each in proof.hashes],
        )

    @app.get("/v1/journal/consistency")
    async def journal_consistency(member: Sender, first: Size, second: Size) -> ConsistencyProof:  # noqa: ARG001
        """Prove that the journal of one size begins with that of another, unchanged."""
        proof = _found(await run_in_threadpool(proofs.consistency, first, second))
        return ConsistencyProof(
            first=first,
            second=second,
            first_root=proof.first.hex(),
            second_root=proof.root.hex(),
            proof=[each.hex() for each in proof.hashes],
        )


def _found(proof: Proof | None) -> Proof:
    if proof is None:
        raise not_found()
    return proof
