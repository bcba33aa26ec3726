"""Settings are read from the environment once, at start-up. Nothing else reads the environment."""

from __future__ import annotations

import re
import sys
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common.rpc.limits import MAX_CONCURRENT_CALLS

MIN_SECRET_LENGTH = 16


class Settings(BaseSettings):
    """Settings of every process. Each service adds its own in its `settings.py`."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    warmup_secret: SecretStr | None = Field(
        None, description="secret for every call that changes state, 16 characters or more; no default"
    )
    warmup_secret_previous: SecretStr | None = Field(None, description="also accepted, while the secret is rotated")
    log_format: str = Field("json", pattern="^(json|console)$", description="`json`, or `console` for a readable text")
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="least severe level that is written: debug, info, warning or error",
    )

    @field_validator("warmup_secret", "warmup_secret_previous")
    @classmethod
    def _can_be_sent(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            check_sendable(secret)
        return secret

    def accepted_secrets(self) -> tuple[str, ...]:
        """The secrets that callers may send; empty if none is configured."""
        both = (self.warmup_secret, self.warmup_secret_previous)
        return tuple(secret.get_secret_value() for secret in both if secret and secret.get_secret_value())


class AcceptingSettings(Settings):
    """Settings of processes that accept the warmup secret or send it to the services."""

    @field_validator("warmup_secret", "warmup_secret_previous")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < MIN_SECRET_LENGTH:
            raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters")
        return secret


class ServerSettings(AcceptingSettings):
    """Settings of the three services."""

    metrics_port: int = Field(0, ge=0, le=65535, description="separate port for Prometheus; 0: none")
    drain_seconds: float = Field(
        20.0, gt=0, le=600, description="how long a stopping service may finish calls and runs"
    )


class RpcServerSettings(ServerSettings):
    """Settings of the services with a gRPC server."""

    lame_duck_seconds: float = Field(
        1.0, ge=0, le=60, description="how long a stopping service still serves after it reports NOT_SERVING"
    )
    max_connection_age_seconds: float = Field(
        300.0,
        ge=1,
        le=86_400,
        description="age at which a connection is ended; the client connects again and finds new replicas",
    )
    max_concurrent_calls: int = Field(
        MAX_CONCURRENT_CALLS,
        ge=1,
        le=100_000,
        description="concurrent calls, without streams and health checks; further ones get RESOURCE_EXHAUSTED",
    )
    channelz_enabled: bool = Field(False, description="serves channelz, the state of every connection, to every caller")


def check_sendable(secret: SecretStr) -> None:
    """Raises ValueError unless it can be an HTTP header or gRPC metadata, which hold only visible ASCII characters."""
    if not re.fullmatch(r"[\x20-\x7e]+", secret.get_secret_value()):
        raise ValueError("must be visible ASCII characters")


AnySettings = TypeVar("AnySettings", bound=Settings)


def load(kind: type[AnySettings]) -> AnySettings:
    """Reads the environment into `kind`. Ends the process with status 2 and a line for each invalid variable."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            wrong = "must be set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
            print(f"configuration: {name}: {wrong}", file=sys.stderr)
        raise SystemExit(2) from None
