"""Settings of the jobs service, read from environment variables."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, field_validator

from services.common.rpc.settings import HealthSettings, TlsSettings
from services.common.settings import RpcServerSettings, Settings
from services.jobs.domain.job import QueuePolicy

_DEFAULT = QueuePolicy()


class MigrationSettings(Settings):
    """Settings of `warmcast migrate`."""

    database_url: SecretStr = Field(description="PostgreSQL, as postgresql://user:password@host:port/name; required")

    @field_validator("database_url", "database_listen_url", check_fields=False)
    @classmethod
    def _names_a_server(cls, url: SecretStr | None) -> SecretStr | None:
        # Checked here because the driver's own error quotes the URL with its password.
        if url is None:
            return None
        text = url.get_secret_value()
        if not text.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql:// or postgres://")
        try:
            ports = str(conninfo_to_dict(text).get("port", ""))
        except psycopg.Error:
            raise ValueError("is not a valid PostgreSQL URL; write postgresql://user:password@host:port/name") from None
        if not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports.split(",") if port):
            raise ValueError("has a port that is not a number from 1 to 65535")
        return url


class JobsSettings(RpcServerSettings, HealthSettings, TlsSettings, MigrationSettings):
    """Settings of `warmcast jobs`."""

    database_listen_url: SecretStr | None = Field(
        None,
        description="a direct connection for LISTEN, for use with a pooler; default: DATABASE_URL",
    )
    database_pool_size: int = Field(
        10,
        ge=2,
        le=200,
        description="connections to PostgreSQL in the pool; each replica opens four more of its own",
    )
    jobs_listen: str = Field("0.0.0.0:50051", description="address that the jobs service listens on")
    forecaster_addr: str = Field(
        "127.0.0.1:50052", description="address of the forecaster's replicas: host:port, dns:///name, ipv4:a:p,b:p"
    )
    dispatcher_enabled: bool = Field(True, description="false: only RunWarmup runs jobs")
    poll_seconds: float = Field(
        5.0,
        gt=0,
        le=60,
        description="longest interval between polls of the queue, jittered",
    )
    lease_seconds: float = Field(_DEFAULT.lease, ge=1, le=600, description="lease duration without a heartbeat")
    attempt_deadline_seconds: float = Field(
        _DEFAULT.attempt_deadline, ge=1, le=3600, description="hard limit for one attempt"
    )
    max_attempts: int = Field(_DEFAULT.max_attempts, ge=1, le=100, description="attempts in an episode before `failed`")
    backoff_base_seconds: float = Field(
        _DEFAULT.backoff_base, ge=0, le=600, description="back-off after the first transient failure, full jitter"
    )
    backoff_cap_seconds: float = Field(_DEFAULT.backoff_cap, ge=0, le=3600, description="longest back-off")
    overdue_seconds: float = Field(
        _DEFAULT.overdue_after, ge=1, le=86_400, description="a queued job that waits longer is overdue"
    )
    cooldown_seconds: float = Field(
        _DEFAULT.cooldown_transient, ge=0, le=86_400, description="first cool-down of a failed job; doubles to 6 h"
    )
    cooldown_permanent_seconds: float = Field(
        _DEFAULT.cooldown_permanent, ge=0, le=604_800, description="cool-down of a permanent failure"
    )

    def policy(self) -> QueuePolicy:
        """The parameters of the state machine."""
        return QueuePolicy(
            lease=self.lease_seconds,
            attempt_deadline=self.attempt_deadline_seconds,
            max_attempts=self.max_attempts,
            backoff_base=self.backoff_base_seconds,
            backoff_cap=self.backoff_cap_seconds,
            overdue_after=self.overdue_seconds,
            cooldown_transient=self.cooldown_seconds,
            cooldown_permanent=self.cooldown_permanent_seconds,
        )

    def listen_url(self) -> str:
        """URL of the LISTEN connection."""
        return (self.database_listen_url or self.database_url).get_secret_value()
