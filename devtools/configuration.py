"""Writes docs/reference/configuration.md from the settings: `python -m devtools.configuration`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from devstack.settings import CHECKOUT
from services.cli.settings import ClientSettings
from services.common.rpc.settings import HealthSettings, TlsSettings
from services.common.settings import ServerSettings, Settings
from services.forecaster.settings import ForecasterSettings
from services.gateway.settings import GatewaySettings
from services.jobs.settings import JobsSettings

PAGE = CHECKOUT / "docs" / "reference" / "configuration.md"
_READERS: dict[str, type[Settings]] = {
    "jobs": JobsSettings,
    "forecaster": ForecasterSettings,
    "gateway": GatewaySettings,
    "client commands": ClientSettings,
}
_HEAD = """\
# Configuration

<!-- Written by `make docs`. -->

Environment variables, read once at start-up. If a value is invalid, the process exits with status 2 and a message that
names the variable.

`make run` also reads: `WARMCAST_DATA_DIR` (default `.warmcast`), `DATABASE_URL` and `REDIS_URL`
(if set, it does not start its own PostgreSQL or Valkey). While it runs, `client.json` in that folder (mode 0600) holds
its addresses and secret; client commands of the same checkout read it unless `JOBS_ADDR` is set.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, _section("All processes", Settings), _section("The three services", ServerSettings, Settings)]
    parts.append(_section("The three services and client commands", TlsSettings, Settings))
    parts.append(_section("Probes", HealthSettings, Settings))
    shared = (ServerSettings, TlsSettings, HealthSettings)
    parts += [_section(f"`warmcast {name}`", kind, *shared) for name, kind in _READERS.items() if name[0] != "c"]
    parts.append(_section("Client commands", ClientSettings, TlsSettings))
    return "\n".join(parts)


def known_variables() -> set[str]:
    """All environment variables that a process of the product reads."""
    return {name.upper() for kind in _READERS.values() for name in kind.model_fields}


def _section(title: str, kind: type[Settings], *below: type[Settings]) -> str:
    inherited = {name for each in below for name in each.model_fields}
    rows = [_row(name, field) for name, field in kind.model_fields.items() if name not in inherited]
    return "\n".join([f"## {title}", "", "| variable | default | what it is |", "| --- | --- | --- |", *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    bounds = ", ".join(_bounds(field))
    what = f"{field.description} ({bounds})" if bounds else str(field.description)
    return f"| `{name.upper()}` | {_default(field)} | {what} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "of this machine"
    value = field.default
    if value is None or isinstance(value, SecretStr):
        return "none" if value is None else f"`{value.get_secret_value()}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _bounds(field: FieldInfo) -> Iterator[str]:
    for each in field.metadata:
        for sign, name in ((">", "gt"), ("≥", "ge"), ("<", "lt"), ("≤", "le")):
            if (bound := getattr(each, name, None)) is not None:
                yield f"{sign} {bound:,}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
