"""Forms of dates: each column is read as meant or refused, never as other dates."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from babel import Locale, localedata
from babel.dates import format_date, format_datetime, format_interval, format_skeleton
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.comparison import Step
from services.common.errors import UNREADABLE_INPUT, WarmcastError
from services.jobs.ingest.dates.column import looks_like_date
from services.jobs.ingest.dates.periods import Periods, read_periods
from services.jobs.ingest.dates.text import tokenize
from services.jobs.ingest.dates.words import LOCALES
from services.jobs.ingest.files.trends_csv import read_trends_csv

WEEKS = (date(2025, 1, 5), date(2025, 1, 12), date(2025, 1, 19))


def read(cells: Sequence[str]) -> Periods:
    return read_periods(cells, [f"line {number}" for number in range(2, len(cells) + 2)], "the file")


def days(periods: Periods) -> list[date]:
    return [time.date() for time in periods.grid.times]


def refusal(cells: Sequence[str]) -> str:
    with pytest.raises(WarmcastError) as refused:
        read(cells)
    assert refused.value.reason is UNREADABLE_INPUT
    return refused.value.detail


@pytest.mark.parametrize(
    "cells",
    [
        ("Jan 5 – 11, 2025", "Jan 12 – 18, 2025", "Jan 19 – 25, 2025"),
        ("Jan 5 - 11, 2025", "Jan 12—18, 2025", "Jan 19 to 25, 2025"),
        ("Jan 5-11, 2025", "Jan 12-18, 2025", "Jan 19-25, 2025"),
        ("5–11 January 2025", "12–18 January 2025", "19–25 January 2025"),
        ("1/5/2025 – 1/11/2025", "1/12/2025 – 1/18/2025", "1/19/2025 – 1/25/2025"),
        ("1/5/2025-1/11/2025", "1/12/2025-1/18/2025", "1/19/2025-1/25/2025"),
        ("2025-01-05-2025-01-11", "2025-01-12-2025-01-18", "2025-01-19-2025-01-25"),
        ("2025-01-05 -- 2025-01-11", "2025-01-12 -- 2025-01-18", "2025-01-19 -- 2025-01-25"),
        ("2025-01-05 → 2025-01-11", "2025-01-12 → 2025-01-18", "2025-01-19 → 2025-01-25"),
        ("5 января 2025 года", "12 января 2025 года", "19 января 2025 года"),
        ("2025年1月5号", "2025年1月12号", "2025年1月19号"),
        ("5 มกราคม พ.ศ. 2568", "12 มกราคม พ.ศ. 2568", "19 มกราคม พ.ศ. 2568"),
        ("วันอาทิตย์ที่ 5 มกราคม พุทธศักราช 2568", "วันอาทิตย์ที่ 12 มกราคม พุทธศักราช 2568", "วันอาทิตย์ที่ 19 มกราคม พุทธศักราช 2568"),
        ("05.–11.01.2025", "12.–18.01.2025", "19.–25.01.2025"),
        ("2025-01-05 - 2025-01-11", "2025-01-12 - 2025-01-18", "2025-01-19 - 2025-01-25"),
        ("2025-01-05/2025-01-11", "2025-01-12/2025-01-18", "2025-01-19/2025-01-25"),
        ("January 5th, 2025", "January 12th, 2025", "January 19th, 2025"),
        ("2025-01-05 UTC", "2025-01-12 UTC", "2025-01-19 UTC"),
        ("2025-1-5 星期日", "2025-1-12 星期日", "2025-1-19 星期日"),
        ("2025年1月5日～11日", "2025年1月12日～18日", "2025年1月19日～25日"),
        ("2025年1月5日至11日", "2025年1月12日至18日", "2025年1月19日至25日"),
        ("Jan 5, 2025 at 12:00 AM", "Jan 12, 2025 at 12:00 AM", "Jan 19, 2025 at 12:00 AM"),
        ("1/5/2025 12:00:00 AM", "1/12/2025 12:00:00 AM", "1/19/2025 12:00:00 AM"),
        ("2025-01-05 00:00:00 UTC", "2025-01-12 00:00:00 UTC", "2025-01-19 00:00:00 UTC"),
        ("2025-01-05 00:00:00+00", "2025-01-12 00:00:00+00", "2025-01-19 00:00:00+00"),
        ("2025-01-05T00:00:00.000Z", "2025-01-12T00:00:00.000Z", "2025-01-19T00:00:00.000Z"),
        ("20250105", "20250112", "20250119"),
        ("2025年1月5日", "2025年1月12日", "2025年1月19日"),
        ("２０２５／０１／０５", "２０２５／０１／１２", "２０２５／０１／１９"),
        ("2025. 1. 5.", "2025. 1. 12.", "2025. 1. 19."),
        ("5. 1. 2025", "12. 1. 2025", "19. 1. 2025"),
        ("1736035200", "1736640000", "1737244800"),
        ("1736035200000", "1736640000000", "1737244800000"),
        ("1736035200.0", "1736640000.0", "1737244800.0"),
        ("5 янв. 2025 г. в 00:00", "12 янв. 2025 г. в 00:00", "19 янв. 2025 г. в 00:00"),
        ("5 de jan. de 2025", "12 de jan. de 2025", "19 de jan. de 2025"),
        ("dom, 5 ene 2025", "dom, 12 ene 2025", "dom, 19 ene 2025"),
        ("5 בינו׳ 2025", "12 בינו׳ 2025", "19 בינו׳ 2025"),
        ("\u200f٥\u200f/١\u200f/٢٠٢٥", "\u200f١٢\u200f/١\u200f/٢٠٢٥", "\u200f١٩\u200f/١\u200f/٢٠٢٥"),
        ("۵ ژانویهٔ ۲۰۲۵", "۱۲ ژانویهٔ ۲۰۲۵", "۱۹ ژانویهٔ ۲۰۲۵"),
        ("5 ม.ค. 2568", "12 ม.ค. 2568", "19 ม.ค. 2568"),  # Buddhist years
        ("5 Jan 25", "12 Jan 25", "19 Jan 25"),
        ("25-01-05", "25-01-12", "25-01-19"),
        ("Sun, 05 Jan 2025 00:00:00 GMT", "Sun, 12 Jan 2025 00:00:00 GMT", "Sun, 19 Jan 2025 00:00:00 GMT"),
        tuple(f"Sun Jan {day} 2025 00:00:00 GMT+0100 (Central European Standard Time)" for day in ("05", "12", "19")),
    ],
)
def test_each_form_of_dates_is_parsed(cells: tuple[str, ...]) -> None:
    periods = read(cells)
    assert (periods.grid.step, days(periods), periods.cleaned) == (Step.WEEKLY, [*WEEKS], {})


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (("Dec 29 – Jan 4, 2025", "Jan 5 – 11, 2025", "Jan 12 – 18, 2025"), date(2024, 12, 29)),
        (("Dec 29, 2024 – Jan 4, 2025", "Jan 5 – 11, 2025", "Jan 12 – 18, 2025"), date(2024, 12, 29)),
        (("Jan 19 – 25, 2025", "Jan 26 – Feb 1, 2025", "Feb 2 – 8, 2025"), date(2025, 1, 19)),
    ],
)
def test_a_range_may_begin_in_another_month_or_year(cells: tuple[str, ...], first: date) -> None:
    assert days(read(cells)) == [first + timedelta(weeks=at) for at in range(3)]


@pytest.mark.parametrize(
    "cells",
    [
        ("Jan 5, 2025 at 11:00 PM", "Jan 6, 2025 at 12:00 AM", "Jan 6, 2025 at 1:00 AM"),
        ("Jan 5, 2025, 11 PM", "Jan 6, 2025, 12 AM", "Jan 6, 2025, 1 AM"),
        ("2025. 1. 5. 오후 11:00", "2025. 1. 6. 오전 12:00", "2025. 1. 6. 오전 1:00"),
        ("2025年1月5日 晚上11:00", "2025年1月6日 午夜12:00", "2025年1月6日 凌晨1:00"),
        ("5. jan. 2025 kl. 23.00", "6. jan. 2025 kl. 00.00", "6. jan. 2025 kl. 01.00"),
        ("5 janv. 2025 à 23 h 00", "6 janv. 2025 à 00 h 00", "6 janv. 2025 à 01 h 00"),
        ("20250105T23", "20250106T00", "20250106T01"),
        ("2025-01-05 23:00:00 +0000 UTC", "2025-01-06 00:00:00 +0000 UTC", "2025-01-06 01:00:00 +0000 UTC"),
        (
            "Jan 5, 2025, 11:00 PM – Jan 6, 2025, 12:00 AM",
            "Jan 6, 2025, 12:00 AM – 1:00 AM",
            "Jan 6, 2025, 1:00 AM – 2:00 AM",
        ),
        ("2025-01-06 00:00:00 +01:00", "2025-01-05 20:00:00 -04:00", "2025-01-06T01:00:00Z"),
    ],
)
def test_each_form_of_hours_is_parsed(cells: tuple[str, ...]) -> None:
    periods = read(cells)
    assert periods.grid.step is Step.HOURLY
    assert [time.hour for time in periods.grid.times] == [23, 0, 1]
    assert periods.grid.times[0] == datetime(2025, 1, 5, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "first", "step"),
    [
        (tuple(f"24-{month:02}-01" for month in range(1, 13)), date(2024, 1, 1), Step.MONTHLY),
        (("01-Jan-24", "01-Feb-24", "01-Mar-24"), date(2024, 1, 1), Step.MONTHLY),
        (("Jan-24", "Feb-24", "Mar-24"), date(2024, 1, 1), Step.MONTHLY),
        (("jan/24", "fev/24", "mar/24"), date(2024, 1, 1), Step.MONTHLY),
        (("янв.24", "фев.24", "мар.24"), date(2024, 1, 1), Step.MONTHLY),
        (("01.Mrz.24", "08.Mrz.24", "15.Mrz.24"), date(2024, 3, 1), Step.WEEKLY),  # a form of Windows
        (("1 fevr. 2024", "1 mars 2024", "1 avr. 2024"), date(2024, 2, 1), Step.MONTHLY),
        (("1 ΑΠΡΙΛΙΟΥ 2024", "1 ΜΑΪΟΥ 2024", "1 ΙΟΥΝΙΟΥ 2024"), date(2024, 4, 1), Step.MONTHLY),
        (("1 ابريل 2024", "1 مايو 2024", "1 يونيو 2024"), date(2024, 4, 1), Step.MONTHLY),
        (("1 Subat 2024", "1 Mart 2024", "1 Nisan 2024"), date(2024, 2, 1), Step.MONTHLY),
        (("1 ago 2024", "1 setiembre 2024", "1 oct 2024"), date(2024, 8, 1), Step.MONTHLY),
        (("janv.-24", "févr.-24", "mars-24"), date(2024, 1, 1), Step.MONTHLY),
        (("1er janvier 2024", "1er février 2024", "1er mars 2024"), date(2024, 1, 1), Step.MONTHLY),
        (("1º de jan. de 2024", "1º de fev. de 2024", "1º de mar. de 2024"), date(2024, 1, 1), Step.MONTHLY),
        (("Jan '24", "Feb '24", "Mar '24"), date(2024, 1, 1), Step.MONTHLY),
        (("01/2024", "02/2024", "03/2024"), date(2024, 1, 1), Step.MONTHLY),
        (("2024年1月", "2024年2月", "2024年3月"), date(2024, 1, 1), Step.MONTHLY),
        (("25/11/2024", "02/12/2024", "09/12/2024"), date(2024, 11, 25), Step.WEEKLY),
        # Some of these names are months in two languages; the others decide which language it is.
        (("1 rujna 2024", "1 listopada 2024", "1 studenoga 2024"), date(2024, 9, 1), Step.MONTHLY),
        (("1 września 2024", "1 października 2024", "1 listopada 2024"), date(2024, 9, 1), Step.MONTHLY),
    ],
)
def test_the_form_of_dates_is_decided_by_the_whole_column(cells: tuple[str, ...], first: date, step: Step) -> None:
    periods = read(cells)
    assert (days(periods)[0], periods.grid.step, len(days(periods))) == (first, step, len(cells))


@pytest.mark.parametrize(
    ("cells", "readings"),
    [
        (
            ("01/01/2024", "01/02/2024", "01/03/2024"),
            ("daily from 2024-01-01 to 2024-01-03 (month, day, year)", "monthly .* (day, month, year)"),
        ),
        (("05-01-24", "05-02-24", "05-03-24"), ("monthly .* (year, month, day)", "daily .* (month, day, year)")),
        (
            ("1 listopad 2024", "2 listopad 2024", "3 listopad 2024"),
            ("from 2024-11-01 to 2024-11-03 (Czech)", "from 2024-10-01 to 2024-10-03 (Croatian)"),
        ),
    ],
)
def test_two_regular_readings_are_refused_with_both(cells: tuple[str, ...], readings: tuple[str, str]) -> None:
    detail = refusal(cells)
    for reading in readings:
        assert all(part in detail for part in reading.split(" .* "))
    assert "write them as 2024-01-31" in detail


@pytest.mark.parametrize(
    "cells",
    [
        ("Jan 5", "Jan 12", "Jan 19"),
        ("Jan 10", "Feb 10", "Mar 10"),  # days, not years
        ("Jan 5 – 11", "Jan 12 – 18", "Jan 19 – 25"),
        ("Jan 5-11", "Jan 12-18", "Jan 19-25"),
        ("令和7年1月5日", "令和7年1月12日", "令和7年1月19日"),
        ("114年1月5日", "114年1月12日", "114年1月19日"),
        ("5/1/2568", "12/1/2568", "19/1/2568"),
        ("5 ม.ค. 68", "12 ม.ค. 68", "19 ม.ค. 68"),
        ("1403/10/16", "1403/10/23", "1403/10/30"),
        ("5² Jan 2025", "12² Jan 2025", "19² Jan 2025"),
        ("Mon, Jan 5, 2025", "Mon, Jan 12, 2025", "Mon, Jan 19, 2025"),  # they are Sundays
        ("Jan 5, 2025, 1:00 – 2:00 AM", "Jan 5, 2025, 2:00 – 3:00 AM", "Jan 5, 2025, 3:00 – 4:00 AM"),
        ("2025-01-05 25:00", "2025-01-06 25:00", "2025-01-07 25:00"),
        ("1/5/2025 13:00 AM", "1/6/2025 13:00 AM", "1/7/2025 13:00 AM"),
        ("2025年1月5日 早晚7:00", "2025年1月5日 早晚8:00", "2025年1月5日 早晚9:00"),  # a word that is neither am nor pm
        ("2025-01-05 00:00:00 PST", "2025-01-12 00:00:00 PST", "2025-01-19 00:00:00 PST"),
        ("Jan 25 – 5, 2025", "Feb 25 – 5, 2025", "Mar 25 – 5, 2025"),
        ("2025-01-05 - 2025-01-06 - 2025-01-07", "2025-01-12 - 2025-01-13 - 2025-01-14", "2025-01-19"),
        ("2025-01-05 - 2025-01-01", "2025-01-12 - 2025-01-08", "2025-01-19 - 2025-01-15"),
        ("Jan 5 – 11 – 12, 2025", "Jan 12 – 18 – 19, 2025", "Jan 19 – 25 – 26, 2025"),
        ("173603520", "173664000", "173724480"),
    ],
)
def test_ambiguous_dates_are_refused(cells: tuple[str, ...]) -> None:
    assert f"line 2: “{cells[0]}” is not a date" in refusal(cells)


def test_unix_times_of_days_that_do_not_begin_at_midnight_utc_are_refused() -> None:
    berlin = [str(1736031600 + 604800 * week) for week in range(3)]
    assert "“1736031600” is 2025-01-04T23:00 in UTC, and its day depends on the time zone" in refusal(berlin)
    hours = [str(1736031600 + 3600 * hour) for hour in range(3)]
    assert read(hours).grid.times[0] == datetime(2025, 1, 4, 23, tzinfo=UTC)


def test_a_file_without_dates_names_the_first_candidate() -> None:
    with pytest.raises(WarmcastError, match=r"no dates.* if “250105” in line 2 is a date, write it as 2024-01-31"):
        read_trends_csv(b"Week,tea,coffee\n250105,1,2\n250112,3,4\n250119,5,6", "export.csv")
    with pytest.raises(WarmcastError, match=r"not an export of interest over time$"):
        read_trends_csv(b"TOP,\ntea,100\ncoffee,50\n", "relatedQueries.csv")


def test_files_parsed_concurrently_share_one_table_of_words() -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from services.jobs.ingest.dates import words\n"
        "with ThreadPoolExecutor(4) as readers:\n"
        "    tables = list(readers.map(lambda _: words._languages(), range(4)))\n"
        "assert all(table is tables[0] for table in tables)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_dates_without_words_load_no_languages() -> None:
    code = (
        "import sys; from services.jobs.ingest.files.trends_csv import read_trends_csv\n"
        "read_trends_csv(b'Day,a,b\\n1/20/24,1,2\\n1/27/24,1,2\\n2/3/24,1,2\\n', '')\n"
        "read_trends_csv(b'Day,a,b\\n2024-01-07 00:00 UTC,1,2\\n2024-01-14 00:00 UTC,1,2\\n"
        "2024-01-21 00:00 UTC,1,2', '')\n"
        "sys.exit('babel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    "text", ["1" + "-a" * 49, "jan 9 " + "-" * 90, "1 " + "א" * 90, "1 " + "de " * 30, "12:00 " * 16]
)
def test_text_that_is_not_a_date_has_few_alternatives(text: str) -> None:
    assert len(tokenize(text)) <= 6
    assert not looks_like_date(text)


def test_dates_of_several_forms_are_refused_with_the_deviating_one() -> None:
    assert "line 4: “1/19/2025” is not a date of the same form" in refusal(("2025-01-05", "2025-01-12", "1/19/2025"))


def _written(locale: Locale, series: Sequence[date]) -> Iterator[list[str]]:
    for style in ("short", "medium", "long", "full"):
        yield [format_date(day, style, locale) for day in series]
    for skeleton in ("yMMMd", "yMd", "yMMMEd"):
        yield [
            format_skeleton(skeleton, datetime(day.year, day.month, day.day, tzinfo=UTC), locale=locale)
            for day in series
        ]
        yield [format_interval(day, day + timedelta(6), skeleton, locale=locale) for day in series]
    yield [
        format_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC), "medium", locale=locale) for day in series
    ]


_SERIES = (
    [date(2024, 9, 1) + timedelta(weeks=at) for at in range(24)],
    [date(2024, 12, 20) + timedelta(days=at) for at in range(20)],
    [date(2024 + at // 12, at % 12 + 1, 1) for at in range(15)],
)


@pytest.mark.parametrize("name", LOCALES)
def test_dates_formatted_by_cldr_are_read_exactly_or_refused(name: str) -> None:
    localedata._cache.clear()  # else Babel mixes inherited data of locales
    locale = Locale.parse(name)
    named = 0
    for series in _SERIES:
        for cells in _written(locale, series):
            try:
                periods = read(cells)
            except WarmcastError:
                continue
            assert days(periods) == series, cells
            named += any(character.isalpha() for character in cells[0])
    assert named >= len(_SERIES), "no form with words was read"


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(LOCALES),
    st.dates(date(2004, 1, 1), date(2030, 1, 1)),
    st.sampled_from([1, 7]),
    st.integers(3, 40),
    st.sampled_from(["short", "medium", "long", "full"]),
)
def test_dates_are_read_exactly_or_refused(name: str, first: date, step: int, count: int, style: str) -> None:
    localedata._cache.clear()
    series = [first + timedelta(days=step * at) for at in range(count)]
    try:
        periods = read([format_date(day, style, Locale.parse(name)) for day in series])
    except WarmcastError:
        return
    assert days(periods) == series
