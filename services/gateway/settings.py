"""The gateway's settings."""

from __future__ import annotations

import ipaddress
import re

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.common.rpc.settings import TlsSettings
from services.common.settings import MIN_SECRET_LENGTH, ServerSettings, check_sendable
from services.gateway.auth.api_keys import ApiKeys, parse_api_keys
from services.gateway.auth.rate_limits import Rate
from services.gateway.url_template import UrlTemplate

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?")


class GatewaySettings(ServerSettings, TlsSettings):
    """Environment variables of the gateway, in addition to those of every server."""

    gateway_host: str = Field("0.0.0.0", description="listening address of REST")  # noqa: S104 - the pod's public interface
    gateway_port: int = Field(8080, ge=0, le=65535, description="listening port of REST; 0 picks a free one")
    jobs_addr: str = Field("127.0.0.1:50051", description="address of jobs: host:port or a dns:/// name")
    forecaster_addr: str = Field(
        "127.0.0.1:50052", description="address of the forecaster: host:port or a dns:/// name"
    )
    debug_api_headers: bool = Field(
        False, description="adds warmupDebugId, lastWarmupError and forecastCacheKeysUsed to premium answers"
    )
    # A body is forwarded as one gRPC message of at most 8 MiB, which also holds other fields.
    max_body_bytes: int = Field(2 * 1024 * 1024, ge=1024, le=7 * 1024 * 1024, description="largest request body")
    max_in_flight: int = Field(
        2_000, ge=1, le=100_000, description="concurrent requests; further ones get 503 with Retry-After"
    )
    rpc_timeout_seconds: float = Field(2.0, gt=0, le=60, description="deadline of an RPC that only reads")
    command_timeout_seconds: float = Field(
        60.0, gt=0, le=600, description="deadline of an RPC for an import, trigger, sweep or other command"
    )
    run_warmup_seconds: float = Field(
        600.0, gt=0, le=7_200, description="deadline of POST /api/jobs/run-warmup and of a job's /run"
    )
    memory_answers: int = Field(1_000, ge=1, le=100_000, description="premium answers kept as stale copies for outages")
    warm_answer_seconds: float = Field(
        1.0, ge=0, le=60, description="maximum age of a cached premium answer; 0 disables the cache"
    )
    warm_answers: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="size of that cache, in answers; one of five years has about 50 kB, and 25 kB more for each of at "
        "most three selections by `fields`",
    )
    event_streams: int = Field(
        1_000, ge=1, le=100_000, description="concurrent event streams; further ones get 503 with Retry-After"
    )
    event_heartbeat_seconds: float = Field(
        15.0, gt=0, le=300, description="interval of heartbeats on a silent event stream"
    )
    lame_duck_seconds: float = Field(
        5.0,
        ge=0,
        le=60,
        description="how long a draining gateway accepts requests; /readyz is 503, responses close connections",
    )
    api_keys: SecretStr | None = Field(
        None,
        description="API keys of premium as `warmcast api-key` prints them: name:hash:rate,…; empty: premium is public",
    )
    operator_read_secret: SecretStr | None = Field(
        None,
        description="secret that only reads: /ops, and as X-Warmup-Secret the GET routes of jobs, coverage, operations "
        "and audit; 16 characters or more, another one than the warmup secret; empty: none",
    )
    operator_read_secret_previous: SecretStr | None = Field(
        None, description="also accepted, while the read secret is rotated"
    )
    log_url_template: str = Field(
        "",
        description="address of a job's logs, such as https://logs.example/?q={debugId}&from={from}&to={to}; may have "
        "{jobId}, {slug}, {debugId}, {traceId}, {from} and {to}, of which the values are percent-encoded "
        "and times are as in 2026-01-31T12:00:00.000Z; empty: ids to copy",
    )
    trace_url_template: str = Field(
        "", description="address of a trace, such as https://traces.example/trace/{traceId}, with the same placeholders"
    )
    anonymous_rate: str = Field(
        "", description="rate limit of a client address without a key: 10 (a second) or 600/60; empty: no limit"
    )
    rate_limit_addresses: int = Field(
        20_000,
        ge=1,
        le=1_000_000,
        description="client addresses with a rate limit in memory; the longest idle are evicted",
    )
    forwarded_allow_ips: str = Field(
        "",
        description="proxies trusted for X-Forwarded-For: addresses, networks, or `*` for the last entry of any peer",
    )
    cors_origins: str = Field(
        "", description="origins that CORS allows: https://a.example,https://b.example, or `*`; empty: none"
    )
    pages_enabled: bool = Field(
        True, description="serves the HTML pages; without them / leads to /docs, which is always served"
    )
    public_origin: str = Field(
        "",
        description="origin of the pages in browsers, such as https://warmcast.example; empty: the Host header",
    )
    head_timeout_seconds: float = Field(10.0, gt=0, le=600, description="time for a request's headers to arrive")
    # With the headers, 30 s for a whole request.
    body_timeout_seconds: float = Field(20.0, gt=0, le=600, description="time for a request's body to arrive")
    write_timeout_seconds: float = Field(
        20.0, gt=0, le=600, description="time for a client to read a response, or an event of a stream"
    )
    max_connections: int = Field(
        4_000,
        ge=1,
        le=100_000,
        description="open connections; a further one closes an idle one, or gets 503 if none is idle",
    )
    max_head_bytes: int = Field(
        32 * 1024, ge=1024, le=1024 * 1024, description="largest size of request line and headers together"
    )

    @field_validator("api_keys")
    @classmethod
    def _check_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None and not parse_api_keys(keys.get_secret_value()):
            raise ValueError("has no valid entry; leave it empty to make premium public")
        return keys

    @field_validator("operator_read_secret", "operator_read_secret_previous")
    @classmethod
    def _check_read_secret(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None:
            return None
        check_sendable(secret)
        if len(secret.get_secret_value()) < MIN_SECRET_LENGTH:
            raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters")
        for name in ("warmup_secret", "warmup_secret_previous"):
            if secret == info.data.get(name):
                raise ValueError(f"must be another secret than {name.upper()}, which also allows changes")
        return secret

    @field_validator("log_url_template", "trace_url_template")
    @classmethod
    def _check_template(cls, template: str) -> str:
        if template:
            UrlTemplate.parse(template)
        return template

    @field_validator("anonymous_rate")
    @classmethod
    def _check_rate(cls, rate: str) -> str:
        if rate:
            Rate.parse(rate)
        return rate

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _check_addresses(cls, addresses: str) -> str:
        for each in split(addresses):
            try:
                _ = each == "*" or ipaddress.ip_network(each)
            except ValueError:
                raise ValueError(f"“{each}” is not an address or a network such as 10.0.0.0/8") from None
        return addresses

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: str) -> str:
        for each in split(origins):
            if each != "*":
                _check_origin(each)
        return origins

    @field_validator("public_origin")
    @classmethod
    def _check_public_origin(cls, origin: str) -> str:
        if origin:
            _check_origin(origin)
        return origin

    def keys(self) -> ApiKeys:
        """The API keys; none if premium is public."""
        return parse_api_keys(self.api_keys.get_secret_value() if self.api_keys else "")

    def read_secrets(self) -> tuple[str, ...]:
        """The secrets that only read; empty if none is configured."""
        both = (self.operator_read_secret, self.operator_read_secret_previous)
        return tuple(secret.get_secret_value() for secret in both if secret and secret.get_secret_value())

    def log_url(self) -> UrlTemplate | None:
        """The template of addresses of logs; None without one."""
        return UrlTemplate.parse(self.log_url_template) if self.log_url_template else None

    def trace_url(self) -> UrlTemplate | None:
        """The template of addresses of traces; None without one."""
        return UrlTemplate.parse(self.trace_url_template) if self.trace_url_template else None

    def anonymous_rate_limit(self) -> Rate | None:
        """The rate limit of a client address without a key; None for no limit."""
        return Rate.parse(self.anonymous_rate) if self.anonymous_rate else None


def split(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated setting."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _check_origin(text: str) -> None:
    if not _ORIGIN.fullmatch(text):
        raise ValueError(f"“{text}” is not an origin; write https://app.example, without a path")
