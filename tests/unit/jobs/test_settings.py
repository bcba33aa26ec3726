"""Settings of the jobs service."""

from __future__ import annotations

import pytest

from services.common.settings import load
from services.jobs.settings import JobsSettings, MigrationSettings

GOOD = "postgresql://user:hunter2@127.0.0.1:5432/warmcast"


@pytest.mark.parametrize(
    "url",
    [
        GOOD,
        "postgres://user@db/warmcast?sslmode=require",
        "postgresql:///warmcast?host=/run/postgresql",
        "postgresql://a:5432,b:5433/warmcast?target_session_attrs=read-write",
        "postgresql://[::1]:5432/warmcast",
    ],
)
def test_every_url_that_libpq_accepts_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("DATABASE_LISTEN_URL", raising=False)
    settings = load(JobsSettings)
    assert settings.database_url.get_secret_value() == settings.listen_url() == url
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_LISTEN_URL"])
@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("postgresq://user:hunter2@host/db", "must begin with postgresql://"),
        ("mysql://user:hunter2@host/db", "must begin with postgresql://"),
        ("nonsense", "must begin with postgresql://"),
        ("host=db password=hunter2", "must begin with postgresql://"),
        ("postgresql://user:hunter2@host:port/db", "has a port that is not a number"),
        ("postgresql://user:hunter2@host:70000/db", "has a port that is not a number"),
        ("postgresql://user:hunter2@[::1/db", "is not a valid PostgreSQL URL"),
        ("postgresql://user:hunter2@host/db?sslmod=require", "is not a valid PostgreSQL URL"),
    ],
)
def test_an_invalid_url_is_reported_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, url: str, wrong: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", GOOD)
    monkeypatch.setenv(name, url)
    with pytest.raises(SystemExit) as ended:
        load(JobsSettings)
    assert ended.value.code == 2
    stderr = capsys.readouterr().err
    assert f"configuration: {name}: {wrong}" in stderr
    assert "hunter2" not in stderr


def test_a_migration_reads_the_same_url(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    with pytest.raises(SystemExit):
        load(MigrationSettings)
    assert "configuration: DATABASE_URL: must begin with" in capsys.readouterr().err
