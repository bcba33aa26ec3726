"""Settings of `make run`, read from the environment once."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr

from services.common.settings import AcceptingSettings

CHECKOUT = Path(__file__).resolve().parent.parent
DATA_DIR = CHECKOUT / ".warmcast"


class StackSettings(AcceptingSettings):
    """Settings of `make run` itself. All other variables reach the services unchanged."""

    warmcast_data_dir: Path = Field(DATA_DIR, description="where the stores keep their data")
    gateway_host: str = Field("127.0.0.1", description="address that REST listens on")
    gateway_port: int = Field(8080, ge=0, le=65535, description="port that REST listens on; 0 picks a free one")
    database_url: SecretStr | None = Field(None, description="PostgreSQL to use; unset: starts one")
    redis_url: SecretStr | None = Field(None, description="Redis or Valkey to use; unset: starts Valkey")
    jobs_listen: str | None = Field(None, description="host:port of the jobs service; unset: a free port of 127.0.0.1")
    jobs_addr: str | None = Field(None, description="address for its clients; unset: the listening address")
    forecaster_listen: str | None = Field(None, description="host:port of the forecaster; unset: a free port")
    forecaster_addr: str | None = Field(None, description="address for its clients; unset: the listening address")


def inherited() -> dict[str, str]:
    """This process's environment, which the services inherit."""
    return dict(os.environ)
