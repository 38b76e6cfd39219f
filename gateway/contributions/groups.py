"""Groups of insured, and in which branches each of them is insured: read from `groups.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.moments import Period
from gateway.parameters import Branch, Law, Parameter

_GROUP_OF_CONTRACT = "groups.contracts."
_GROUP_OF_SCHEME = "groups.schemes."


class Group(StrEnum):
    """How somebody is insured, in the words of `groups.yaml`."""

    EMPLOYEE = "employee"
    """In every branch."""
    PUPIL = "pupil"
    """A pupil or student in holidays."""
    APPRENTICE = "apprentice"
    OCCASIONAL = "occasional"
    """Without a right to cash benefits: occasional work, early retirement."""
    PENSIONER = "pensioner"
    """Works beside an old-age pension."""
    PUBLIC = "public"
    """A civil servant, whose pay goes on without limit in sickness."""


class UnknownGroupError(LookupError):
    """Neither the contract type nor the scheme says in which group somebody is insured."""

    def __init__(self, contract: str, scheme: str) -> None:
        super().__init__(f"no group is known for contract {contract!r} in scheme {scheme!r}")


@dataclass(frozen=True, slots=True)
class Groups:
    """What the law says about the groups in one month.

    Attributes:
        branches: the branches in which a group is insured; the employer may be free of some of them.
        floored: the groups whose bases are raised to the floor.
        contracts: the group of a contract type, where it decides whatever the scheme.
        schemes: the group of a scheme (*régime*).
        doubts: by group, the values to confirm before anybody of it is charged.
    """

    branches: Mapping[Group, frozenset[Branch]]
    floored: frozenset[Group]
    contracts: Mapping[str, Group]
    schemes: Mapping[str, Group]
    doubts: Mapping[Group, tuple[Parameter[tuple[str, ...]], ...]]

    def of(self, contract: str, scheme: str) -> Group:
        """The group of an affiliation: by its contract type, otherwise by its scheme.

        That somebody is a pensioner or in early retirement is in no affiliation.

        Args:
            contract: letter of the contract type, such as `E`.
            scheme: two digits, such as `01`.

        Raises:
            UnknownGroupError: when neither is listed.
        """
        group = self.contracts.get(contract) or self.schemes.get(scheme)
        if group is None:
            raise UnknownGroupError(contract, scheme)
        return group

    @classmethod
    def read(cls, law: Law, period: Period) -> Groups:
        """What a law says about a month.

        Raises:
            NoParametersError: when the law does not reach back so far.
        """
        branches = {group: law.word(f"groups.branches.{group}", period) for group in Group}
        floor = {group: law.word(f"groups.floor.{group}", period) for group in Group}
        return cls(
            branches={group: frozenset(map(Branch, listed.value)) for group, listed in branches.items()},
            floored=frozenset(group for group, answer in floor.items() if answer.value == ("yes",)),
            contracts=_by_code(law, period, _GROUP_OF_CONTRACT),
            schemes=_by_code(law, period, _GROUP_OF_SCHEME),
            doubts={
                group: tuple(p for p in (branches[group], floor[group]) if p.confidence.doubtful)
                for group in Group
            },
        )


def _by_code(law: Law, period: Period, prefix: str) -> Mapping[str, Group]:
    names = [name for name in law.words if name.startswith(prefix)]
    return {name.removeprefix(prefix): Group(law.word(name, period).value[0]) for name in names}
