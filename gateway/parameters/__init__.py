"""Law as data: rates, floors and ceilings of each month, with the source of every value.

Each file of this folder holds values by their first day in force. A new rate or an index step is
one dated, sourced entry here and one case in `tests/rates`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gateway.parameters.files import ParameterError, read
from gateway.parameters.law import Branch, Confidence, Law, NoParametersError, Parameter

__all__ = ["Branch", "Confidence", "Law", "NoParametersError", "Parameter", "ParameterError", "law", "read"]


@cache
def law() -> Law:
    """The law as it stands in this folder, read once.

    Raises:
        ParameterError: when a file breaks a rule.
    """
    return read(Path(__file__).parent)
