"""What only some operators need: modules whose packages come with an extra, such as `secugate[hsm]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal


class NotInstalled(Exception):
    """The packages of an extra are not there."""


@contextmanager
def extra(name: Literal["hsm", "opentelemetry", "trust-list"]) -> Iterator[None]:
    """Around the import of what needs an extra.

    Raises:
        NotInstalled: its packages are not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"{error.name} is not installed; it comes with: pip install 'secugate[{name}]'"
        ) from error
