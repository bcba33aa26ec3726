"""Parses one date under one reading: an order of its numbers and a language of its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from services.jobs.ingest.dates.text import LOCAL, Clock, Moment, Parts
from services.jobs.ingest.dates.words import Language, Word

ORDERS = {"ymd": "year, month, day", "mdy": "month, day, year", "dmy": "day, month, year"}
YEARS = range(1900, 2101)
_FIRST_SHORT_YEAR = 4  # Google's data begin in 2004; earlier years need four digits
_FIRST_BUDDHIST = 2400
_BUDDHIST = 543
LONGEST_RANGE = timedelta(days=31)


@dataclass(frozen=True)
class Reading:
    """An order of ORDERS and the language of the words; None if there are no words."""

    order: str
    language: Language | None

    def read(self, alternatives: Sequence[Parts]) -> datetime | None:
        """The date of the first alternative that is one; the first day of a range. None if there is none."""
        return next((time for parts in alternatives if (time := self._first(parts)) is not None), None)

    def _first(self, parts: Parts) -> datetime | None:
        if len(parts) == 2 and _is_same_day(*parts):
            parts = parts[:1]
        ends = [_fields(self, moment, alone=len(parts) == 1) for moment in parts]
        start, end = ends[0], ends[-1]
        if start is None or end is None:
            return None
        # "Jan 5 – 11, 2025" and "5.–11.1.2025" have month and year once.
        year, month = start.year or end.year, start.month or end.month
        first, last = start.moment(year, month), end.moment(end.year or year, end.month or month)
        if first and last and first > last and not start.year:  # from December to January
            first = start.moment(last.year - 1, month)
        if first is None or last is None or not timedelta(0) <= last - first <= LONGEST_RANGE:
            return None
        return first


@dataclass(frozen=True)
class _Fields:
    """The fields of one end of a range; 0 is a missing year or month."""

    year: int
    month: int
    day: int
    time: tuple[int, int, int]
    zone: timezone
    weekdays: frozenset[int]

    def moment(self, year: int, month: int) -> datetime | None:
        if year not in YEARS:
            return None
        try:
            moment = datetime(year, month, self.day or 1, *self.time, tzinfo=self.zone)
        except ValueError:
            return None
        # A wrong weekday shows that day and month are swapped.
        return moment if self.weekdays <= {moment.weekday()} else None


@dataclass(frozen=True)
class _Item:
    digits: str  # "" for a word
    word: Word
    mark: str  # spaces and punctuation before it


def _is_same_day(start: Moment, end: Moment) -> bool:
    """Whether the end is only a time, as in "Jan 5, 2025, 1:00 AM – 2:00 AM". False if only one time has AM or PM."""
    clocks = start.clock, end.clock
    return not end.tokens and all(clocks) and len({bool(clock and clock.meridiem) for clock in clocks}) == 1


def _fields(reading: Reading, moment: Moment, alone: bool) -> _Fields | None:
    items = _items(reading.language, moment)
    date = None if items is None else _date(items, reading.order, alone)
    if items is None or date is None:
        return None
    year, month, day = date
    words = [item.word for item in items if not item.digits]
    time = _time_of_day(moment.clock, {word.meridiem for word in words if word.meridiem})
    if time is None or (year and not (whole := _full_year(year, reading.language))):
        return None
    weekdays = frozenset(word.weekday for word in words if word.weekday is not None and word.only_weekday)
    return _Fields(whole if year else 0, month, day, time, moment.clock.zone if moment.clock else LOCAL, weekdays)


def _items(language: Language | None, moment: Moment) -> list[_Item] | None:
    """The tokens with the meaning of each word; None if a word is unknown."""
    items: list[_Item] = []
    tokens, at = moment.tokens, 0
    while at < len(tokens):
        token = tokens[at]
        if token.number:
            items.append(_Item(token.text, Word(), token.mark))
            at += 1
            continue
        meaning: tuple[Word, ...] | None = None
        size = 1
        if language:
            for size in range(language.longest_name.get(token.text, 1), 0, -1):
                phrase = tokens[at : at + size]
                if size == 1 or (len(phrase) == size and not any(other.number for other in phrase)):
                    meaning = language.meaning(" ".join(other.text for other in phrase))
                    if meaning:
                        break
        if meaning is None and not token.optional:
            return None
        items += [_Item("", word, token.mark) for word in meaning or ()]
        at += size
    return items


def _date(items: list[_Item], order: str, alone: bool) -> tuple[str, int, int] | None:
    """Year as written, month and day; "" or 0 for a missing one. At least one is present."""
    named = _named_month(items)
    if named is None:
        return None
    month, index = named
    numbers = [at for at, item in enumerate(items) if item.digits]
    if not month:
        marked = _marked_month(items)
        if marked is not None:
            month, index = int(items[marked].digits), marked
            numbers.remove(marked)
    if any(len(items[at].digits) not in (1, 2, 4) for at in numbers):
        return None
    if month:
        return _beside_month(items, numbers, month=month, month_index=index, order=order, alone=alone)
    return _numeric(items, numbers, order, alone)


def _named_month(items: list[_Item]) -> tuple[int, int] | None:
    """The month that is named and its index; (0, 0) without one, None for two."""
    indexes = [at for at, item in enumerate(items) if item.word.month]
    for at in list(indexes):  # "mar" is Tuesday and March in Spanish
        if len(indexes) > 1 and items[at].word.weekday is not None:
            indexes.remove(at)
    if len(indexes) > 1:
        return None
    return (items[indexes[0]].word.month, indexes[0]) if indexes else (0, 0)


def _marked_month(items: list[_Item]) -> int | None:
    """The index of the number that a word marks as a month, as in 1月."""
    found = []
    for at, item in enumerate(items):
        beside = {"before": at - 1, "after": at + 1}.get(item.word.month_number, -1)
        if 0 <= beside < len(items) and 1 <= len(items[beside].digits) <= 2:
            found.append(beside)
    return found[0] if len(found) == 1 else None


def _beside_month(
    items: list[_Item], numbers: list[int], *, month: int, month_index: int, order: str, alone: bool
) -> tuple[str, int, int] | None:
    digits = [items[at].digits for at in numbers]
    years = [text for text in digits if len(text) == 4]
    days = [text for text in digits if len(text) < 4]
    if len(years) == 1 and len(days) <= 1:
        return years[0], month, _number(days)
    if years or not 1 <= len(days) <= 2:
        return None
    if len(days) == 1:
        if not alone:
            return "", month, int(days[0])
        # "Jan-04" is January 2004, as spreadsheets write it. "Jan 04" and "4-Jan" have no year.
        short_year = (
            len(days[0]) == 2 and numbers[0] > month_index and items[numbers[0]].mark.strip() in ("-", "/", ".")
        )
        return (days[0], month, 0) if short_year else None
    between = numbers[0] < month_index < numbers[1]
    day, year = reversed(days) if order == "ymd" else days
    if len(year) != 2 or not (between or (order != "ymd" and "," in items[numbers[1]].mark)):
        return None
    return year, month, int(day)


def _numeric(items: list[_Item], numbers: list[int], order: str, alone: bool) -> tuple[str, int, int] | None:
    digits = [items[at].digits for at in numbers]
    years = [text for text in digits if len(text) == 4]
    if not alone and len(digits) <= 2 and len(digits) - len(years) == 1:
        # A day, perhaps with its year; the month is at the other end of the range.
        day = next(text for text in digits if len(text) < 4)
        return "".join(years), 0, int(day)
    if not numbers or numbers[-1] - numbers[0] != len(numbers) - 1:
        return None  # a word between the numbers
    marks = {items[at].mark.strip() for at in numbers[1:]}
    if len(marks) > 1 or (order == "mdy" and marks - {"-", "/"}):
        return None  # month first is never written with points
    if len(digits) == 3:
        parts = order
    elif len(digits) == 2 and not alone:
        parts = order.replace("y", "")
    elif len(digits) == 2 and len(years) == 1 and marks <= {*"-/."}:
        parts = "ym" if digits[0] in years else "my"
    else:
        return None
    fields = dict(zip(parts, digits, strict=True))
    if len(fields.get("y", "0000")) == 1 or any(len(fields.get(part, "")) > 2 for part in "md"):
        return None
    return fields.get("y", ""), int(fields["m"]), int(fields.get("d", 0))


def _number(digits: list[str]) -> int:
    return int(digits[0]) if digits else 0


def _full_year(digits: str, language: Language | None) -> int:
    """The year of the common era; 0 if it is ambiguous."""
    buddhist = language is not None and language.buddhist
    if len(digits) == 2:
        return 2000 + int(digits) if int(digits) >= _FIRST_SHORT_YEAR and not buddhist else 0
    return int(digits) - (_BUDDHIST if buddhist and int(digits) >= _FIRST_BUDDHIST else 0)


def _time_of_day(clock: Clock | None, meridiems: set[str]) -> tuple[int, int, int] | None:
    if clock is None:
        return 0, 0, 0
    meridiems = meridiems | {clock.meridiem} - {""}
    if not meridiems:
        return clock.hour, clock.minute, clock.second
    if len(meridiems) > 1 or clock.hour > 12:
        return None
    return clock.hour % 12 + (12 if meridiems == {"pm"} else 0), clock.minute, clock.second
