"""What client commands read from the environment, and from a running `make run` of the same checkout."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, JsonConfigSettingsSource, PydanticBaseSettingsSource

from services.common.plain_text import has_control_characters
from services.common.rpc.metadata import MAX_CLAIMED
from services.common.rpc.settings import TlsSettings

CLIENT_FILE: Final = "client.json"  # in the data folder of `make run`, while it runs; mode 0600
_DATA_DIR = Path(__file__).resolve().parents[2] / ".warmcast"


class ClientSettings(TlsSettings):
    """Settings of every command that calls a service.

    Without JOBS_ADDR, the addresses and the secret come from the data folder of `make run`. The environment takes
    precedence, and with JOBS_ADDR the file is not read, so that its secret is sent to no other server.
    """

    jobs_addr: str = Field(
        "127.0.0.1:50051",
        description="address of jobs, host:port or dns:///name; unset: that of a running `make run`, if any",
    )
    forecaster_addr: str = Field(
        "127.0.0.1:50052",
        description="address of the forecaster, in the same form; only `warmcast explain` calls it",
    )

    warmcast_operator: str = Field(
        "",
        max_length=MAX_CLAIMED,
        description="your name in the audit, which nothing verifies; unset: the operating system's login name",
    )

    @field_validator("warmcast_operator")
    @classmethod
    def _has_no_control_characters(cls, name: str) -> str:
        if has_control_characters(name):
            raise ValueError("it has control characters, such as a line break; remove them")
        return name

    def operator(self) -> str | None:
        """Who runs a command, by their own word; None: the system has no name for the user."""
        if self.warmcast_operator:
            return self.warmcast_operator
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            return None  # a container's user that has no entry
        return None if len(name) > MAX_CLAIMED or has_control_characters(name) else name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, then the file of `make run`."""
        file = Path(os.environ.get("WARMCAST_DATA_DIR") or _DATA_DIR) / CLIENT_FILE
        if env_settings().get("jobs_addr") or not os.access(file, os.R_OK):
            return init_settings, env_settings
        return init_settings, env_settings, JsonConfigSettingsSource(settings_cls, json_file=file)
