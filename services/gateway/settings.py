"""What the gateway reads from the environment."""

from __future__ import annotations

from pydantic import Field

from services.common.settings import ServerSettings


class GatewaySettings(ServerSettings):
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
        0.0, ge=0, le=60, description="how long a stopping gateway still accepts while /readyz already says 503"
    )
