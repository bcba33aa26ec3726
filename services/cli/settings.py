"""What client commands read from the environment."""

from __future__ import annotations

from pydantic import Field

from services.common.rpc.settings import TlsSettings


class ClientSettings(TlsSettings):
    """Settings of every command that asks the jobs service."""

    jobs_addr: str = Field("127.0.0.1:50051", description="where the jobs service is, host:port or dns:///name")
