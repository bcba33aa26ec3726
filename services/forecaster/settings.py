"""What the forecaster reads from the environment."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from services.common.rpc.settings import HealthSettings, TlsSettings
from services.common.settings import RpcServerSettings
from services.forecaster.engine.types import EngineSetting


def cpus_available() -> int:
    """How many CPUs this process may run on, at least 1."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def default_slots() -> int:
    """All CPUs but one, which is left to those who serve: with both of two, a mass expiry doubled what calls took."""
    return max(1, cpus_available() - 1)


class ForecasterSettings(RpcServerSettings, HealthSettings, TlsSettings):
    """See each field; `warmcast forecaster` prints what is wrong and ends with status 2."""

    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="the Redis or Valkey that keeps the forecasts; no cluster"
    )
    redis_connections: int = Field(32, ge=1, le=1000, description="most connections to Redis at once")
    forecaster_listen: str = Field("0.0.0.0:50052", description="address that the forecaster listens on, host:port")
    worker_slots: int = Field(
        default_factory=default_slots,
        ge=1,
        le=256,
        description="runs that compute at once; default: the CPUs but one, at least 1",
    )
    queue_limit: int | None = Field(
        None, ge=0, le=10_000, description="runs that may wait for a slot; default: four times WORKER_SLOTS"
    )
    forecast_deadline_seconds: float = Field(
        120, gt=0, le=3600, description="how long one computation may take before its worker is killed"
    )
    beat_seconds: float = Field(3, gt=0, le=60, description="how often a run says that it is alive")
    engine_setting: EngineSetting = Field(
        EngineSetting.FULL, description="`full`, or `naive`: the cheap engine for load tests, under keys of its own"
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
            raise ValueError("has a port that is no number from 1 to 65535") from None
        return url

    def effective_queue_limit(self) -> int:
        """QUEUE_LIMIT, or its default."""
        return 4 * self.worker_slots if self.queue_limit is None else self.queue_limit
