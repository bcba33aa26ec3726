"""The page of settings matches the settings."""

from __future__ import annotations

from devtools import configuration


def test_the_page_matches_the_settings() -> None:
    assert configuration.PAGE.read_text(encoding="utf-8") == configuration.page(), "run `make docs`"


def test_every_variable_of_the_contract_is_read_by_some_process() -> None:
    named = {
        "DATABASE_URL",
        "REDIS_URL",
        "DATABASE_LISTEN_URL",
        "WARMUP_SECRET",
        "WARMUP_SECRET_PREVIOUS",
        "DEBUG_API_HEADERS",
        "JOBS_ADDR",
        "FORECASTER_ADDR",
        "GATEWAY_PORT",
    }
    assert named <= configuration.known_variables()
