"""The operator's settings: from the environment (`SECUGATE_…`), with defaults that run as they are."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from stdnum import bic, iban
from stdnum.eu import at_02

from adapters.limits import Allowances


class Settings(BaseSettings):
    """What an operator may set. Every name is also an environment variable: `SECUGATE_DATA`, …"""

    # What is wrong in a setting is told without what was set: it may be a password.
    model_config = SettingsConfigDict(
        env_prefix="SECUGATE_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data: Path = Field(default=Path("secugate-data"), description="folder of database, spool and keys")
    database: str = Field(
        default="",
        pattern=r"^(postgresql://.+)?$",
        repr=False,
        description="address of a PostgreSQL server and database, such as postgresql://secugate@db.example/secugate,"
        " that several machines may share; without it a file in the data folder",
    )
    master_key: Path | None = Field(
        default=None,
        description="file of the key that opens all data keys, to be kept and backed up elsewhere than the"
        " data; without it keys/master.key in the data folder, no protection against who copies the folder",
    )
    witness: Path | None = Field(
        default=None,
        description="a second file, best on another disk or machine, that knows how far the journal was"
        " promised; the first one is in the data folder",
    )
    store: str = Field(
        default="",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?)?$",
        description="where the files of deposits lie, such as s3://bucket/prefix; else in the data folder",
    )
    store_endpoint: str = Field(
        default="",
        pattern="^(https?://.+)?$",
        description="of the server of that bucket; Amazon's without it",
    )
    store_region: str = Field(default="us-east-1", description="that requests to it are signed for")
    store_credentials: Path | None = Field(
        default=None,
        description="file (mode 0600) of the key id and, on a second line, the secret; without it those of"
        " the environment (AWS_ACCESS_KEY_ID …)",
    )
    environment: Literal["production", "test"] = Field(
        default="test", description="batches made for the other environment are refused"
    )
    host: str = Field(default="127.0.0.1", description="address both doors listen on")
    https_port: int = Field(default=8443, ge=0, le=65535, description="0 takes a free port")
    sftp_port: int = Field(default=8022, ge=0, le=65535, description="0 takes a free port")
    operations_host: str = Field(
        default="127.0.0.1", description="address the operator's own port listens on"
    )
    operations_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="for metrics and readiness, plain HTTP; closed without it, 0 takes a free one",
    )
    traces: str = Field(
        default="",
        pattern=r"^(https?://.+)?$",
        description="where a collector of OpenTelemetry takes traces by OTLP over HTTP, such as"
        " http://127.0.0.1:4318/v1/traces: the steps of each deposit, without anything of a member. Needs the"
        " extra `opentelemetry`; nothing is told without it",
    )
    address: str = Field(
        default="",
        pattern=r"^(https://[a-z0-9.:\[\]-]+)?$",
        description="of the HTTPS door as members write it, such as https://secugate.example; without it"
        " https://, host and port",
    )
    proxy_socket: Path | None = Field(
        default=None, description="Unix socket for one proxy that ends TLS; the TCP port then stays closed"
    )
    proxy_secret: Path | None = Field(
        default=None, description="file (mode 0600) of the secret that the proxy sends with each request"
    )
    requests_per_minute: int = Field(default=30_000, ge=1, description="of a member")
    deposits_per_minute: int = Field(default=12_000, ge=1, description="of a member")
    bytes_per_minute: int = Field(default=6_000_000_000, ge=1_000_000, description="sent by a member")
    costly_per_minute: int = Field(
        default=120, ge=1, description="explanations, pages, comparisons and evidence asked for by a member"
    )
    strangers_per_minute: int = Field(
        default=600, ge=1, description="HTTPS requests by nobody we know, from an address"
    )
    connections_per_minute: int = Field(default=1_200, ge=1, description="SFTP connections from an address")
    failed_logins_per_minute: int = Field(default=60, ge=1, description="over SFTP, from an address")
    largest_deposit: int = Field(default=100_000_000, ge=1, description="bytes of a deposit, at most")
    staff_key: Path | None = Field(
        default=None, description="private key (Ed25519) of whoever gives commands, once staff are registered"
    )
    console: bool = Field(
        default=True, description="whether staff, once registered, may come to the console at /console"
    )
    console_addresses: str = Field(
        default="",
        description="networks, between blanks, from which the console is reached, such as 10.20.0.0/16; from"
        " everywhere without it. Behind a proxy it sees no addresses: let the proxy restrict it",
    )
    oidc_issuer: str | None = Field(
        default=None, pattern="^https?://", description="identity provider at which people of members sign in"
    )
    oidc_client: str = Field(default="", description="our id with it")
    oidc_secret: Path | None = Field(
        default=None, description="file (mode 0600) of the secret that it gave us"
    )
    tsa_url: str | None = Field(
        default=None, pattern="^https?://", description="time-stamp authority (RFC 3161) that is asked"
    )
    tsa_anchor: Path | None = Field(default=None, description="PEM file of that authority's root")
    tsa_age_limit: int = Field(
        default=240, ge=1, description="minutes for which the journal may go on without a time stamp"
    )
    pkcs11_module: Path | None = Field(
        default=None, description="library of the hardware module that has the sealing key"
    )
    pkcs11_token: str = Field(default="secugate", description="label of its token")
    pkcs11_key: str = Field(default="seal", description="label of the key in it")
    pkcs11_pin: Path | None = Field(default=None, description="file (mode 0600) of the token's PIN")
    key_overlap: int = Field(
        default=30, ge=0, le=400, description="days for which a renewed key counts beside the new one"
    )
    revocation_fetch: str = Field(
        default="",
        description="hosts, between blanks, from which revocation lists and OCSP answers are fetched where"
        " certificates name them; nothing is fetched without it",
    )
    revocation_alarm: int = Field(
        default=60, ge=1, description="minutes after which a deposit that waits to be judged raises an alarm"
    )
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

    @model_validator(mode="after")
    def _proxy(self) -> Self:
        if (self.proxy_socket is None) is not (self.proxy_secret is None):
            raise ValueError("a proxy needs both a socket and a secret")
        return self

    @property
    def allowances(self) -> Allowances:
        """What members and addresses may ask for in a minute."""
        return Allowances(
            requests=self.requests_per_minute,
            deposits=self.deposits_per_minute,
            bytes=self.bytes_per_minute,
            costly=self.costly_per_minute,
            strangers=self.strangers_per_minute,
            connections=self.connections_per_minute,
            failed_logins=self.failed_logins_per_minute,
        )

    @property
    def names_creditor(self) -> bool:
        """Whether the operator has said who is paid; the defaults are nobody."""
        return {"creditor_name", "creditor_iban", "creditor_bic", "creditor_id"} <= self.model_fields_set

    @model_validator(mode="after")
    def _believed(self) -> Settings:
        if (self.tsa_url is None) != (self.tsa_anchor is None):
            raise ValueError("a time-stamp authority needs both tsa_url and tsa_anchor")
        return self

    @field_validator("console_addresses")
    @classmethod
    def _networks(cls, text: str) -> str:
        for network in text.split():
            ip_network(network)
        return text

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
