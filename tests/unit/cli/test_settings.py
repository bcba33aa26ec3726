"""Where client commands find the services."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest

from services.cli.settings import CLIENT_FILE, ClientSettings
from services.common.settings import load

OF_MAKE_RUN = {
    "jobs_addr": "127.0.0.1:4711",
    "forecaster_addr": "127.0.0.1:4712",
    "warmup_secret": "the secret of make run",
    "gateway_url": "http://x",
}


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("JOBS_ADDR", "FORECASTER_ADDR", "WARMUP_SECRET", "WARMCAST_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WARMCAST_DATA_DIR", str(tmp_path))
    (tmp_path / CLIENT_FILE).write_text(json.dumps(OF_MAKE_RUN))
    return tmp_path


def found() -> tuple[str, str | None]:
    settings = load(ClientSettings)
    return settings.jobs_addr, settings.warmup_secret.get_secret_value() if settings.warmup_secret else None


def test_address_and_secret_of_a_running_make_run_are_found() -> None:
    assert found() == ("127.0.0.1:4711", "the secret of make run")


def test_the_default_counts_where_nothing_runs(data_dir: Path) -> None:
    (data_dir / CLIENT_FILE).unlink()
    assert found() == ("127.0.0.1:50051", None)


def test_a_secret_of_the_environment_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARMUP_SECRET", "another secret of 16")
    assert found() == ("127.0.0.1:4711", "another secret of 16")


def test_the_secret_of_make_run_is_never_sent_to_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_ADDR", "dns:///production:50051")
    assert found() == ("dns:///production:50051", None)


def test_the_forecaster_of_a_running_make_run_is_found_unless_its_address_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load(ClientSettings).forecaster_addr == "127.0.0.1:4712"
    monkeypatch.setenv("FORECASTER_ADDR", "127.0.0.1:5000")
    assert load(ClientSettings).forecaster_addr == "127.0.0.1:5000"


def test_the_forecaster_of_make_run_is_not_mixed_with_another_jobs_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_ADDR", "dns:///production:50051")
    assert load(ClientSettings).forecaster_addr == "127.0.0.1:50052"


def test_the_operator_is_the_variable_or_the_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    assert load(ClientSettings).operator() == "ada"
    monkeypatch.setenv("WARMCAST_OPERATOR", "Ada Łovelace")
    assert load(ClientSettings).operator() == "Ada Łovelace"


@pytest.mark.parametrize("name", ["x" * 51, "a\nb"])
def test_a_name_that_the_audit_cannot_keep_is_refused_or_left_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: name)
    assert load(ClientSettings).operator() is None
    monkeypatch.setenv("WARMCAST_OPERATOR", name)
    with pytest.raises(SystemExit):
        load(ClientSettings)


def test_a_user_without_a_name_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert load(ClientSettings).operator() is None
