"""The operator's settings: from the environment (`SECUGATE_…`), with defaults that run as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from stdnum import bic, iban
from stdnum.eu import at_02


class Settings(BaseSettings):
    """What an operator may set. Every name is also an environment variable: `SECUGATE_DATA`, …"""

    model_config = SettingsConfigDict(env_prefix="SECUGATE_", frozen=True, extra="forbid")

    data: Path = Field(default=Path("secugate-data"), description="folder of database, spool and keys")
    environment: Literal["production", "test"] = Field(
        default="test", description="batches made for the other environment are refused"
    )
    host: str = Field(default="127.0.0.1", description="address both doors listen on")
    https_port: int = Field(default=8443, ge=0, le=65535, description="0 takes a free port")
    sftp_port: int = Field(default=8022, ge=0, le=65535, description="0 takes a free port")
    largest_deposit: int = Field(default=100_000_000, ge=1, description="bytes of a deposit, at most")
    creditor_name: str = Field(
        default="Centre commun fictif", min_length=1, max_length=70, description="holder of the bank account"
    )
    creditor_iban: str = Field(
        default="LU459990000000004712", description="account for payments; the default is nobody's"
    )
    creditor_bic: str = Field(default="TESTLUL0XXX", description="bank of that account")
    creditor_id: str = Field(
        default="LU53ZZZ0000000000000004712", description="SEPA creditor identifier for direct debits"
    )

    @property
    def names_creditor(self) -> bool:
        """Whether the operator has said who is paid; the defaults are nobody."""
        return {"creditor_name", "creditor_iban", "creditor_bic", "creditor_id"} <= self.model_fields_set

    @field_validator("creditor_iban")
    @classmethod
    def _iban(cls, text: str) -> str:
        return iban.validate(text)

    @field_validator("creditor_bic")
    @classmethod
    def _bic(cls, text: str) -> str:
        return bic.validate(text)

    @field_validator("creditor_id")
    @classmethod
    def _creditor(cls, text: str) -> str:
        return at_02.validate(text)
