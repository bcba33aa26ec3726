"""What the gateway reads from the environment."""

from __future__ import annotations

import ipaddress
import re

from pydantic import Field, SecretStr, field_validator

from services.common.rpc.settings import TlsSettings
from services.common.settings import ServerSettings
from services.gateway.auth.api_keys import ApiKeys, parse_api_keys
from services.gateway.auth.rate_limits import Rate

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?")


class GatewaySettings(ServerSettings, TlsSettings):
    """The gateway's own variables, beside those of every server."""

    gateway_host: str = Field("0.0.0.0", description="address that REST listens on")  # noqa: S104 - a pod's only face
    gateway_port: int = Field(8080, ge=0, le=65535, description="port that REST listens on; 0 picks a free one")
    jobs_addr: str = Field("127.0.0.1:50051", description="where jobs answers: host:port or a dns:/// name")
    forecaster_addr: str = Field("127.0.0.1:50052", description="where the forecaster answers")
    debug_api_headers: bool = Field(
        False, description="adds warmupDebugId, lastWarmupError and forecastCacheKeysUsed to premium answers"
    )
    # A body travels on as one gRPC message of at most 8 MiB, with room for the rest of it.
    max_body_bytes: int = Field(2 * 1024 * 1024, ge=1024, le=7 * 1024 * 1024, description="largest request body")
    max_in_flight: int = Field(
        2_000, ge=1, le=100_000, description="requests answered at once; one more gets 503 with Retry-After"
    )
    rpc_timeout_seconds: float = Field(2.0, gt=0, le=60, description="deadline of each call that only reads")
    command_timeout_seconds: float = Field(
        60.0, gt=0, le=600, description="deadline of imports, triggers, sweeps and other commands"
    )
    run_warmup_seconds: float = Field(600.0, gt=0, le=7_200, description="deadline of POST /api/jobs/run-warmup")
    memory_answers: int = Field(
        1_000, ge=1, le=100_000, description="last good premium answers kept for when a service cannot be asked"
    )
    warm_answer_seconds: float = Field(
        1.0, ge=0, le=60, description="how old a ready premium answer may be that is served from memory; 0: none is"
    )
    warm_answers: int = Field(
        1_000, ge=1, le=100_000, description="ready premium answers kept for that long, of some 15 kB each"
    )
    event_streams: int = Field(
        1_000, ge=1, le=100_000, description="streams of events open at once; one more gets 503 with Retry-After"
    )
    event_heartbeat_seconds: float = Field(
        15.0, gt=0, le=300, description="silence on a stream of events after which it says that it is still there"
    )
    lame_duck_seconds: float = Field(
        5.0,
        ge=0,
        le=60,
        description="how long a stopping gateway still accepts, while /readyz is 503 and answers say `close`",
    )
    api_keys: SecretStr | None = Field(
        None,
        description="keys for premium, as `warmcast api-key` prints them: name:hash:rate,…; none: premium is public",
    )
    anonymous_rate: str = Field(
        "", description="most requests of one client address without a key: 10 (a second) or 600/60; empty: no limit"
    )
    rate_limit_addresses: int = Field(
        20_000, ge=1, le=1_000_000, description="client addresses whose rate is kept in mind; the longest idle go first"
    )
    forwarded_allow_ips: str = Field(
        "",
        description="proxies whose X-Forwarded-For is believed: addresses and networks; `*`: each peer's last entry",
    )
    cors_origins: str = Field(
        "", description="origins whose pages may call: https://a.example,https://b.example, or `*`; empty: none"
    )
    head_timeout_seconds: float = Field(10.0, gt=0, le=600, description="how long a request's head may take to arrive")
    # With the head's, 30 s for a whole request.
    body_timeout_seconds: float = Field(20.0, gt=0, le=600, description="how long a request's body may take to arrive")
    write_timeout_seconds: float = Field(
        20.0, gt=0, le=600, description="how long a client may leave an answer, or an event of a stream, unread"
    )
    max_connections: int = Field(
        4_000,
        ge=1,
        le=100_000,
        description="connections open at once; one more closes an idle one, or gets 503 where none is idle",
    )
    max_head_bytes: int = Field(
        32 * 1024, ge=1024, le=1024 * 1024, description="largest request line and headers together"
    )

    @field_validator("api_keys")
    @classmethod
    def _names_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None and not parse_api_keys(keys.get_secret_value()):
            raise ValueError("holds no key; leave it empty to make premium public")
        return keys

    @field_validator("anonymous_rate")
    @classmethod
    def _is_a_rate(cls, rate: str) -> str:
        if rate:
            Rate.parse(rate)
        return rate

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _names_addresses(cls, addresses: str) -> str:
        for each in split(addresses):
            try:
                _ = each == "*" or ipaddress.ip_network(each)
            except ValueError:
                raise ValueError(f"“{each}” is neither an address nor a network such as 10.0.0.0/8") from None
        return addresses

    @field_validator("cors_origins")
    @classmethod
    def _names_origins(cls, origins: str) -> str:
        for each in split(origins):
            if each != "*" and not _ORIGIN.fullmatch(each):
                raise ValueError(f"“{each}” is no origin; expected such as https://app.example, without a path")
        return origins

    def keys(self) -> ApiKeys:
        """The API keys; none where premium is public."""
        return parse_api_keys(self.api_keys.get_secret_value() if self.api_keys else "")

    def rate_of_anonymous(self) -> Rate | None:
        """What one client address without a key may ask for; None is no limit."""
        return Rate.parse(self.anonymous_rate) if self.anonymous_rate else None


def split(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated setting."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
