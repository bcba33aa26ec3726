"""The forecaster's settings."""

from __future__ import annotations

import pytest

from services.common.settings import load
from services.forecaster.engine.types import EngineSetting
from services.forecaster.settings import ForecasterSettings, cpus_available


def test_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ForecasterSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings = load(ForecasterSettings)
    assert settings.redis_url.get_secret_value() == "redis://127.0.0.1:6379/0"
    assert settings.forecaster_listen == "0.0.0.0:50052"
    assert settings.worker_slots == max(1, cpus_available() - 1)
    assert settings.effective_queue_limit() == 4 * settings.worker_slots
    assert settings.forecast_deadline_seconds == 120
    assert settings.engine_setting is EngineSetting.FULL


def test_the_queue_limit_may_be_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_LIMIT", "0")
    assert load(ForecasterSettings).effective_queue_limit() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://user:hunter2@127.0.0.1"),
        ("REDIS_URL", "redis://user:hunter2@127.0.0.1:port/0"),
        ("WORKER_SLOTS", "0"),
        ("QUEUE_LIMIT", "-1"),
        ("FORECAST_DEADLINE_SECONDS", "soon"),
        ("BEAT_SECONDS", "0"),
        ("ENGINE_SETTING", "best"),
    ],
)
def test_an_invalid_variable_is_named_and_its_secret_is_not_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load(ForecasterSettings)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert name in said
    assert "hunter2" not in said


def test_the_redis_url_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@127.0.0.1:6379/0")
    assert "hunter2" not in repr(load(ForecasterSettings))
