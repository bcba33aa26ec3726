"""The forecaster's settings, from environment variables."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from services.common.rpc.settings import HealthSettings, TlsSettings
from services.common.settings import RpcServerSettings
from services.forecaster.engine.types import EngineSetting


def cpus_available() -> int:
    """The number of CPUs that this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def default_slots() -> int:
    """All CPUs but one, which is left to the other services: see benchmarks/JOURNAL.md, mass expiry."""
    return max(1, cpus_available() - 1)


class ForecasterSettings(RpcServerSettings, HealthSettings, TlsSettings):
    """See each field. `warmcast forecaster` prints invalid settings and exits with status 2."""

    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis or Valkey that stores the forecasts; not in cluster mode",
    )
    redis_connections: int = Field(32, ge=1, le=1000, description="maximum number of connections to Redis")
    forecaster_listen: str = Field("0.0.0.0:50052", description="address that the forecaster listens on, host:port")
    worker_slots: int = Field(
        default_factory=default_slots,
        ge=1,
        le=256,
        description="concurrent runs; default: the number of CPUs minus one, at least 1",
    )
    queue_limit: int | None = Field(
        None, ge=0, le=10_000, description="runs that may wait for a slot; default: four times WORKER_SLOTS"
    )
    forecast_deadline_seconds: float = Field(
        120, gt=0, le=3600, description="maximum seconds of one computation, after which its worker is killed"
    )
    beat_seconds: float = Field(3, gt=0, le=60, description="seconds between the heartbeats of a run")
    engine_setting: EngineSetting = Field(
        EngineSetting.FULL, description="`full`, or `naive`: a cheap engine for load tests, with its own cache keys"
    )

    @field_validator("redis_url")
    @classmethod
    def _names_a_server(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("has a port that is not a number from 1 to 65535") from None
        return url

    def effective_queue_limit(self) -> int:
        """QUEUE_LIMIT, or its default."""
        return 4 * self.worker_slots if self.queue_limit is None else self.queue_limit
