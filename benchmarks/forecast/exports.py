"""Reads real Google Trends exports: those beside the checkout, and those of collected.csv.

Not the product's reader. collected.csv has one series a row, copied from exports in public repositories: which one, the
term as its header has it, the step, the first period, and all values, 0.5 for "<1".
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.common.comparison import Step, infer_timeframe
from tests.paths import EXPORTS

COLLECTED = Path(__file__).with_name("collected.csv")
_FORMATS = ("%Y-%m-%d", "%Y-%m", "%m/%d/%Y", "%m/%d/%y", "%b-%y", "%d-%m-%y")


@dataclass(frozen=True)
class ExportedSeries:
    """One column of one export."""

    file: str
    source: str  # the repository of the export
    term: str
    timeframe: str
    first: datetime  # start of the first period
    values: tuple[float, ...]
    measured: bool  # from INDEX.csv; false for files whose columns are in other files


def read_exports(folder: Path = EXPORTS) -> Iterator[ExportedSeries]:
    """Every numeric column of every export in INDEX.csv."""
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index):
            source, measured = "/".join(row["repo"].split("/")[-2:]), row["bench"] == "yes"
            yield from _columns(folder / row["file"], source, Step(row["granularity"]), measured=measured)


def read_collected(path: Path = COLLECTED) -> Iterator[ExportedSeries]:
    """Every series of collected.csv."""
    with path.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            values = tuple(float(value) for value in row["values"].split())
            timeframe = infer_timeframe(Step(row["step"]), len(values)).name
            first = datetime.fromisoformat(row["first"]).replace(tzinfo=UTC)
            source = row["repository"]
            yield ExportedSeries(source, source, row["term"], timeframe, first, values, measured=True)


def _columns(path: Path, source: str, step: Step, *, measured: bool) -> Iterator[ExportedSeries]:
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if text.count(";") > text.count(",") else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if len(row) > 1]
    dated = [row for row in rows if _time(row[0])]
    header = rows[rows.index(dated[0]) - 1]
    for column in range(1, len(dated[0])):
        try:
            points = {_time(row[0]): float(row[column].replace("<1", "0.5")) for row in dated}
        except ValueError:
            continue
        times = sorted(time for time in points if time)
        values = tuple(points[time] for time in times)
        timeframe = infer_timeframe(step, len(values)).name
        yield ExportedSeries(path.name, source, header[column], timeframe, times[0], values, measured)


def _time(text: str) -> datetime | None:
    for form in _FORMATS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
