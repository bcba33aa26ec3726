"""What `make run` reads from the environment, once."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr

from services.common.settings import AcceptingSettings

CHECKOUT = Path(__file__).resolve().parent.parent
DATA_DIR = CHECKOUT / ".warmcast"


class StackSettings(AcceptingSettings):
    """Each is what the variable of the same name says; what the services read besides is passed on as it is."""

    warmcast_data_dir: Path = Field(DATA_DIR, description="where the stores keep their data")
    gateway_host: str = Field("127.0.0.1", description="address that REST listens on")
    gateway_port: int = Field(8080, ge=0, le=65535, description="port that REST listens on; 0 picks a free one")
    database_url: SecretStr | None = Field(None, description="a PostgreSQL of yours; unset: one is started")
    redis_url: SecretStr | None = Field(None, description="a Redis or Valkey of yours; unset: one is started")
    jobs_listen: str | None = Field(None, description="host:port of the jobs service; unset: a free port of 127.0.0.1")
    jobs_addr: str | None = Field(None, description="where its clients find it; unset: where it listens")
    forecaster_listen: str | None = Field(None, description="host:port of the forecaster; unset: a free port")
    forecaster_addr: str | None = Field(None, description="where its clients find it; unset: where it listens")


def inherited() -> dict[str, str]:
    """The whole environment, for the services to read their own variables from."""
    return dict(os.environ)
