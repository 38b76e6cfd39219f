"""The operator's settings: from the environment (`SECUGATE_…`), with defaults that run as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
