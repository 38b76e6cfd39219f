"""Batches written from record classes (`gateway.client.records`)."""

from __future__ import annotations

from xsdata.formats.dataclass.serializers import XmlSerializer

from gateway.wire import NAMESPACE


def as_xml(batch: object) -> bytes:
    """An unsigned batch as XML.

    Args:
        batch: of `gateway.client.records`, such as `Decsal`.
    """
    return XmlSerializer().render(batch, ns_map={None: NAMESPACE}).encode()
