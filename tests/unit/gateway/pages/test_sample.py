"""The sample export of the import page."""

from __future__ import annotations

from services.common.comparison import Step
from services.gateway.pages.importing.sample import SAMPLE, sample_csv
from services.jobs.ingest.files.trends_csv import read_trends_csv


def test_the_sample_is_read_like_an_export() -> None:
    table = read_trends_csv(sample_csv(), SAMPLE)
    assert (table.terms, table.step, table.geo) == (("sample ice cream", "sample hot chocolate"), Step.WEEKLY, "")
    assert (len(table.times), table.cleaned) == (260, {})
    assert all(0 <= value <= 100 for column in table.columns for value in column)
