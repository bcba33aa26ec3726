"""What the words in a date mean, language by language, from CLDR as Babel packages it.

The table is built once a process, when a date holds a word for the first time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from threading import Lock
from typing import Any

# The languages of Google's own pages, with the regions that have month names of their own.
LOCALES = (
    "en", "en_AU", "en_GB", "af", "am", "ar", "ar_DZ", "ar_LB", "ar_MA", "ar_SA", "az", "be", "bg", "bn", "bs", "ca",
    "cs", "da", "de", "de_AT", "el", "en_CA", "en_IN", "es", "es_419", "es_MX", "et", "eu", "fa", "fi", "fil", "fr",
    "fr_CA", "fr_CH", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "km", "kn", "ko",
    "ky", "lo", "lt", "lv", "mk", "ml", "mr", "ms", "my", "nb", "ne", "nl", "nl_BE", "pa", "pl", "pt", "pt_PT",
    "ro", "ru", "si", "sk", "sl", "sq", "sr", "sr_Latn", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi",
    "zh_Hans", "zh_Hant", "zu",
)  # fmt: skip
# What stands in dates beside what CLDR has: eras and words for a year or a day, and what Windows calls March.
_MORE_JOINS = {"th": ("พ.ศ.", "พุทธศักราช"), "ru": ("года",), "uk": ("року",), "zh_Hans": ("号",), "zh_Hant": ("號",)}
_MORE_MONTHS = {"de": {3: "Mrz"}, "es": {9: "setiembre"}}
_MARKS = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u061c\ufeff\u0307'’ʼ`´׳״\"]")  # no meaning in a date
_INITIALS = re.compile(r"(?<=[^\W\d])\.\s(?=[^\W\d]\.)")  # "a. m." is one word
_FULL_STOP = re.compile(r"(?<![\d\s.,/-])\.(?!\d)")  # of an abbreviation
_BREAK = re.compile(r"[\d\s,./()\-–~、،;]+")
_NUMBERED = re.compile(r"\d+[^\d\s]+|[^\d\s]+\s?\d+")  # a month that has a number and no name
_ACCENTS = (202, 220, 230)  # combining classes; marks of others make other words, as vowels do in Hindi
_NOON = 12 * 60 * 60
_building = Lock()


@dataclass(frozen=True)
class Word:
    """What a word says in a date; nothing at all for a word that only joins the others."""

    joins: bool = False  # stands in patterns of dates, as "de" does
    month: int = 0  # 1 to 12
    weekday: int | None = None  # 0 is Monday
    half: str = ""  # of a day: "am" or "pm"
    numbers_month: str = ""  # the number "before" or "after" this word is the month's

    @property
    def only_weekday(self) -> bool:
        """Whether it can mean nothing else."""
        return self.weekday is not None and not (self.month or self.half or self.numbers_month or self.joins)


@dataclass(frozen=True)
class Language:
    """The words of one CLDR locale."""

    name: str
    buddhist: bool  # years may count from 543 before the common era
    words: Mapping[str, Word]
    longest_name: Mapping[str, int]  # by its first word, where names of several words begin with it
    _initials: frozenset[str] = field(repr=False)  # of its words in a script without capitals
    _unspaced: re.Pattern[str] = field(repr=False)

    def names_month(self, word: str) -> bool:
        """Whether a word alone says which month, or which number is the month's."""
        return any(meaning.month or meaning.numbers_month for meaning in self.meaning(word) or ())

    def meaning(self, word: str) -> tuple[Word, ...] | None:
        """What a folded word, or a name of several, means; None if unknown.

        More than one meaning where a script writes words without spaces.
        """
        known = self.words.get(word)
        if known is None and not word.isascii():
            known = self.words.get(_without_accents(word))
        if known is not None:
            return (known,)
        # Scripts without capitals may join words: in Hebrew "in" and the month, in Chinese "year" and the month.
        if word[0] not in self._initials or not self._unspaced.fullmatch(word):
            return None
        return tuple(self.words[part[0]] for part in re.finditer(self._unspaced.pattern[3:-2], word))


def fold(text: str) -> str | None:
    """The text without what differs between spellings of one date: case, marks of direction, kinds of digits and
    spaces, full stops of abbreviations. None if it holds a digit that is no plain one, such as ² or ½.
    """
    if text.isascii():
        folded = text
    else:
        folded = unicodedata.normalize("NFKC", text)
        if sum(map(str.isdecimal, folded)) != sum(map(str.isdecimal, text)):
            return None
        folded = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)
        folded = re.sub("[‐‑‒−]", "-", re.sub("[—―]", "–", re.sub("[〜～∼]", "~", folded)))
    folded = _MARKS.sub("", folded.casefold().replace("ı", "i"))
    return _FULL_STOP.sub("", _INITIALS.sub("", " ".join(folded.split())))


def languages_of(words: Iterable[str]) -> tuple[Language, ...]:
    """The languages that know all of these folded words; of those that agree on them, the first."""
    return _languages_of(tuple(sorted(set(words))))


@lru_cache(maxsize=4096)
def _languages_of(words: tuple[str, ...]) -> tuple[Language, ...]:
    found: dict[tuple[object, ...], Language] = {}
    for language in _languages():
        meanings = tuple(language.meaning(word) for word in words)
        if None not in meanings:
            found.setdefault((*meanings, language.buddhist), language)
    return tuple(found.values())


def _languages() -> tuple[Language, ...]:
    # Several files are read at once, and Babel's data of one locale would be mixed with those of another.
    with _building:
        return _build_languages()


@cache
def _build_languages() -> tuple[Language, ...]:
    from babel import Locale, localedata  # noqa: PLC0415 - its data take time and memory, and most files need none

    languages = []
    for name in LOCALES:
        # Babel 2.18 writes what one locale inherits into data that it shares with the next one it loads; and what it
        # keeps of all of these takes 50 MiB.
        localedata._cache.clear()
        languages.append(_language(name, Locale.parse(name)))
    localedata._cache.clear()
    return tuple(languages)


def _language(name: str, locale: Any) -> Language:
    words: dict[str, Word] = {}
    for literal in (*_literals(locale), *_MORE_JOINS.get(name, ())):
        for word in _split(literal):
            words.setdefault(word, Word(joins=True))
    for width in ("wide", "abbreviated", "short"):
        for context in ("format", "stand-alone"):
            _add(words, locale.days[context].get(width, {}), "weekday")
    halves = _halves(locale)
    for width in ("wide", "abbreviated"):
        names = locale.day_periods["format"].get(width, {})
        _add(words, {period: names[period] for period in halves if period in names}, "half", halves)
        for context in ("format", "stand-alone"):
            _add(words, locale.months[context][width], "month")
    _add(words, _MORE_MONTHS.get(name, {}), "month")
    for word, meaning in list(words.items()):
        words.setdefault(_without_accents(word), meaning)  # as people and capitals leave them out
    longest_first = sorted(words, key=len, reverse=True)
    unspaced = re.compile(f"(?:{'|'.join(map(re.escape, longest_first))})+")
    names = sorted((name.split(" ") for name in words), key=len)
    longest = {name[0]: len(name) for name in names if len(name) > 1}
    initials = frozenset(word[0] for word in words if word.upper() == word)
    return Language(locale.english_name, locale.language == "th", words, longest, initials, unspaced)


def _literals(locale: Any) -> Iterator[str]:
    """What the locale's patterns of dates say beside the fields, as "de" in Spanish."""
    from babel.dates import tokenize_pattern  # noqa: PLC0415

    patterns = [form.pattern for form in locale.date_formats.values()]
    patterns += [form.pattern for name, form in locale.datetime_skeletons.items() if set(name) <= set("yMdE")]
    for name, parts in locale.interval_formats.items():
        if set(name or "") <= set("yMdE") and isinstance(parts, Mapping):
            patterns += [part for pair in parts.values() for part in pair]
    yield from (locale.eras[width][1] for width in ("wide", "abbreviated"))  # that of the years since 1
    for pattern in patterns:
        yield from (str(text) for kind, text in tokenize_pattern(pattern) if kind == "chars")


def _halves(locale: Any) -> dict[str, str]:
    """In which half of the day each of its periods lies, as "in the evening"; without those that lie in both."""
    halves = {"am": "am", "pm": "pm"}
    for period, rules in locale.day_period_rules.get(None, {}).items():
        spans = [(rule.get("at", rule.get("from", 0)), rule.get("before", 0)) for rule in rules]
        if all(start < _NOON and end <= _NOON for start, end in spans):
            halves[period] = "am"
        elif all(start >= _NOON and (end == 0 or end > start) for start, end in spans):
            halves[period] = "pm"
    return halves


def _add(words: dict[str, Word], names: Mapping[Any, str], kind: str, values: Mapping[Any, Any] | None = None) -> None:
    """Adds names to what is known of each word. The parts of a name of several words say nothing alone."""
    for key, name in names.items():
        parts = _split(name)
        if _NUMBERED.match(fold(name) or ""):
            if kind == "month":
                words[parts[0]] = _merged(words, parts[0], numbers_month="before" if name[0].isdecimal() else "after")
            continue
        phrase = " ".join(parts)
        words[phrase] = _merged(words, phrase, **{kind: values[key] if values else key})
        for part in parts[1:] and parts:
            words[part] = _merged(words, part, joins=True)


@lru_cache(maxsize=4096)
def _without_accents(word: str) -> str:
    kept = (c for c in unicodedata.normalize("NFD", word) if unicodedata.combining(c) not in _ACCENTS)
    return unicodedata.normalize("NFC", "".join(kept))


def _merged(words: Mapping[str, Word], word: str, **more: Any) -> Word:
    return replace(words.get(word, Word()), **more)


def _split(text: str) -> list[str]:
    return [word for word in _BREAK.split(fold(text) or "") if word]
