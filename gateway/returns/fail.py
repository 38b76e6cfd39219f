"""FAIL: what a file gets that was refused as a whole, beside its acknowledgement.

The operator gives the refused file back under the name of a FAIL. This form is our own: it names the
file by its digest, says what is wrong with it as the acknowledgement does, and is called after the
refused file, so that software that goes by names sees at once which file failed. It is sent for every
procedure. A file that was read is no FAIL, even if all its records were refused.

The name is `SECU.<type>.<stamp>.FAIL.CCSS.<member>.XML`, with the type and the stamp of the refused
file. Where its name does not keep to the pattern, they are INCONN and the moment of receipt. As no name
is given twice, the stamp of a second FAIL for one name is the next that no other file of the member has.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly
from gateway.returns import anomalies
from gateway.returns.anomalies import Explanation

CODE = "FAIL"


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that was refused as a whole.

    Attributes:
        header: to whom, about which deposit.
        anomalies: all faults found, at least one.
        explanations: one for each code among them.
    """

    header: wire.AnswerHeader
    anomalies: tuple[Anomaly, ...]
    explanations: tuple[Explanation, ...]


def write(document: Failure) -> etree._Element:
    """The answer as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    anomalies.write(root, document.anomalies, document.explanations)
    return root


def read(root: etree._Element) -> Failure:
    """The answer in a verified document.

    Raises:
        ValueError: when it is no FAIL.
    """
    wire.expect(root, CODE)
    return Failure(wire.read_answer_header(root), anomalies.read(root), anomalies.read_explanations(root))
