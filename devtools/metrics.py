"""Writes docs/reference/metrics.md from the registered metrics: `python -m devtools.metrics`."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from prometheus_client import REGISTRY

import services
from devstack.settings import CHECKOUT

PAGE = CHECKOUT / "docs" / "reference" / "metrics.md"
_HEAD = """\
# Metrics

<!-- Written by `make docs`. -->

Prometheus metrics, on `METRICS_PORT` of each service. Without it, those of the gateway are on its `/metrics`. Labels
are in braces.

| metric | type | what it counts |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    _import_all(services)
    # Only the collector knows its labels; the registry maps collectors to names.
    named = sorted(REGISTRY._collector_to_names.items(), key=lambda item: min(item[1]))
    return _HEAD + "".join(_row(collector) for collector, names in named if min(names).startswith("warmcast_"))


def _row(collector: object) -> str:
    (family,) = collector.describe()  # type: ignore[attr-defined]  # each collector has one metric
    labels = getattr(collector, "_labelnames", ())
    total = "_total" if family.type == "counter" else ""
    name = f"`{family.name}{total}`" + (f" {{{', '.join(labels)}}}" if labels else "")
    return f"| {name} | {family.type} | {family.documentation} |\n"


def _import_all(package: ModuleType) -> None:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # Only Alembic can import its modules.
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            importlib.import_module(found.name)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
