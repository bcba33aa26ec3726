"""What every process reads alike: the warmup secret."""

from __future__ import annotations

import pytest

from devstack.settings import StackSettings
from services.cli.settings import ClientSettings
from services.common.settings import Settings, load
from services.forecaster.settings import ForecasterSettings
from services.gateway.settings import GatewaySettings
from services.jobs.settings import JobsSettings

SHORT, LONG = "x" * 15, "x" * 16
ACCEPTING = [JobsSettings, ForecasterSettings, GatewaySettings, StackSettings]


@pytest.fixture(autouse=True)
def _database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1/warmcast")


@pytest.mark.parametrize("kind", ACCEPTING)
@pytest.mark.parametrize("name", ["WARMUP_SECRET", "WARMUP_SECRET_PREVIOUS"])
def test_a_process_that_accepts_the_secret_refuses_to_start_with_a_short_one(
    kind: type[Settings], name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, SHORT)
    with pytest.raises(SystemExit) as ended:
        load(kind)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"configuration: {name}: must have at least 16 characters\n"
    monkeypatch.setenv(name, LONG)
    assert load(kind).accepted_secrets() == (LONG,)


def test_a_client_sends_the_secret_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARMUP_SECRET", SHORT)
    assert load(ClientSettings).accepted_secrets() == (SHORT,)
