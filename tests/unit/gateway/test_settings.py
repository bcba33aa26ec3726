"""The gateway's settings for operators."""

from __future__ import annotations

import pytest

from services.common.settings import load
from services.gateway.settings import GatewaySettings

WARMUP, READ, OTHER_READ = "the warmup secret", "the secret to read", "the secret to read before"


@pytest.fixture(autouse=True)
def _warmup_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARMUP_SECRET", WARMUP)
    monkeypatch.setenv("WARMUP_SECRET_PREVIOUS", WARMUP[::-1])


def test_both_read_secrets_are_accepted_during_a_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(GatewaySettings).read_secrets() == ()
    monkeypatch.setenv("OPERATOR_READ_SECRET", READ)
    monkeypatch.setenv("OPERATOR_READ_SECRET_PREVIOUS", OTHER_READ)
    assert load(GatewaySettings).read_secrets() == (READ, OTHER_READ)
    assert READ not in repr(load(GatewaySettings))


@pytest.mark.parametrize("name", ["OPERATOR_READ_SECRET", "OPERATOR_READ_SECRET_PREVIOUS"])
@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("x" * 15, "must have at least 16 characters"),
        ("é" * 16, "must be visible ASCII characters"),
        (WARMUP, "must be another secret than WARMUP_SECRET, which also allows changes"),
        (WARMUP[::-1], "must be another secret than WARMUP_SECRET_PREVIOUS, which also allows changes"),
    ],
)
def test_an_unsuitable_read_secret_prevents_the_start(
    name: str, value: str, wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert _refusal(capsys) == f"configuration: {name}: {wrong}\n"


@pytest.mark.parametrize("name", ["LOG_URL_TEMPLATE", "TRACE_URL_TEMPLATE"])
def test_an_invalid_url_template_prevents_the_start(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "javascript:alert({jobId})")
    assert _refusal(capsys) == f"configuration: {name}: must begin with http:// or https:// and a host\n"


def test_url_templates_are_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(GatewaySettings)
    assert (settings.log_url(), settings.trace_url()) == (None, None)
    monkeypatch.setenv("LOG_URL_TEMPLATE", "https://logs.example/{debugId}")
    monkeypatch.setenv("TRACE_URL_TEMPLATE", "https://traces.example/{traceId}")
    log_url, trace_url = load(GatewaySettings).log_url(), load(GatewaySettings).trace_url()
    assert log_url is not None
    assert trace_url is not None
    assert log_url.fill({"debugId": "d"}) == "https://logs.example/d"
    assert trace_url.fill({"traceId": "t"}) == "https://traces.example/t"


def _refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The error of a start that is refused."""
    with pytest.raises(SystemExit) as ended:
        load(GatewaySettings)
    assert ended.value.code == 2
    return capsys.readouterr().err
