"""The meaning of words in dates for each language, from CLDR as packaged by Babel.

The table is built once a process, for the first date that holds a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from threading import Lock
from typing import Any

# The languages of Google's pages, and regions with month names of their own.
LOCALES = (
    "en", "en_AU", "en_GB", "af", "am", "ar", "ar_DZ", "ar_LB", "ar_MA", "ar_SA", "az", "be", "bg", "bn", "bs", "ca",
    "cs", "da", "de", "de_AT", "el", "en_CA", "en_IN", "es", "es_419", "es_MX", "et", "eu", "fa", "fi", "fil", "fr",
    "fr_CA", "fr_CH", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "km", "kn", "ko",
    "ky", "lo", "lt", "lv", "mk", "ml", "mr", "ms", "my", "nb", "ne", "nl", "nl_BE", "pa", "pl", "pt", "pt_PT",
    "ro", "ru", "si", "sk", "sl", "sq", "sr", "sr_Latn", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi",
    "zh_Hans", "zh_Hant", "zu",
)  # fmt: skip
# Additions to CLDR: eras, words for a year or a day, and month names of Windows and of Spanish regions.
_MORE_CONNECTORS = {
    "th": ("พ.ศ.", "พุทธศักราช"),
    "ru": ("года",),
    "uk": ("року",),
    "zh_Hans": ("号",),
    "zh_Hant": ("號",),
}
_MORE_MONTHS = {"de": {3: "Mrz"}, "es": {9: "setiembre"}}
_MARKS = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u061c\ufeff\u0307'’ʼ`´׳״\"]")  # ignored in dates
_INITIALS = re.compile(r"(?<=[^\W\d])\.\s(?=[^\W\d]\.)")  # "a. m." is one word
_FULL_STOP = re.compile(r"(?<![\d\s.,/-])\.(?!\d)")  # of an abbreviation
_BREAK = re.compile(r"[\d\s,./()\-–~、،;]+")
_NUMBERED = re.compile(r"\d+[^\d\s]+|[^\d\s]+\s?\d+")  # a month with a number instead of a name
# Combining classes of accents. Marks of other classes, such as vowels in Hindi, change the word.
_ACCENTS = (202, 220, 230)
_NOON = 12 * 60 * 60
_building = Lock()


@dataclass(frozen=True)
class Word:
    """The meaning of a word in a date."""

    connector: bool = False  # part of patterns of dates, such as "de"
    month: int = 0  # 1 to 12
    weekday: int | None = None  # 0 is Monday
    meridiem: str = ""  # "am" or "pm"
    month_number: str = ""  # the number "before" or "after" this word is a month

    @property
    def only_weekday(self) -> bool:
        """Whether the word is a weekday and has no other meaning."""
        return self.weekday is not None and not (self.month or self.meridiem or self.month_number or self.connector)


@dataclass(frozen=True)
class Language:
    """The words of one CLDR locale."""

    name: str
    buddhist: bool  # years may be of the Buddhist era
    words: Mapping[str, Word]
    longest_name: Mapping[str, int]  # in words, by the first word of names of several words
    _initials: frozenset[str] = field(repr=False)  # first characters of words in scripts without capitals
    _unspaced: re.Pattern[str] = field(repr=False)

    def names_month(self, word: str) -> bool:
        """Whether a word names a month, or marks a number as one."""
        return any(meaning.month or meaning.month_number for meaning in self.meaning(word) or ())

    def meaning(self, word: str) -> tuple[Word, ...] | None:
        """The meaning of a folded word, or of a name of several words; None if unknown.

        Several meanings if the script writes words without spaces.
        """
        known = self.words.get(word)
        if known is None and not word.isascii():
            known = self.words.get(_without_accents(word))
        if known is not None:
            return (known,)
        # Scripts without capitals may join words: "in" and the month in Hebrew, "year" and the month in Chinese.
        if word[0] not in self._initials or not self._unspaced.fullmatch(word):
            return None
        return tuple(self.words[part[0]] for part in re.finditer(self._unspaced.pattern[3:-2], word))


def fold(text: str) -> str | None:
    """The text in a normal form: no case, direction marks or full stops of abbreviations; ASCII digits and spaces.

    None if it holds a digit that is not a decimal one, such as ² or ½.
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


def languages_knowing(words: Iterable[str]) -> tuple[Language, ...]:
    """The languages that know all of these folded words; of languages with the same meanings, the first."""
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
    # Files are parsed in several threads, and Babel's loading of locales is not thread-safe.
    with _building:
        return _build_languages()


@cache
def _build_languages() -> tuple[Language, ...]:
    from babel import Locale, localedata  # noqa: PLC0415 - slow and large; most files need none

    languages = []
    for name in LOCALES:
        # Babel 2.18 writes inherited data into objects that other locales share, and its cache of all of these locales
        # takes 50 MiB.
        localedata._cache.clear()
        languages.append(_language(name, Locale.parse(name)))
    localedata._cache.clear()
    return tuple(languages)


def _language(name: str, locale: Any) -> Language:
    words: dict[str, Word] = {}
    for literal in (*_literals(locale), *_MORE_CONNECTORS.get(name, ())):
        for word in _split(literal):
            words.setdefault(word, Word(connector=True))
    for width in ("wide", "abbreviated", "short"):
        for context in ("format", "stand-alone"):
            _add(words, locale.days[context].get(width, {}), "weekday")
    meridiems = _meridiems(locale)
    for width in ("wide", "abbreviated"):
        names = locale.day_periods["format"].get(width, {})
        _add(words, {period: names[period] for period in meridiems if period in names}, "meridiem", meridiems)
        for context in ("format", "stand-alone"):
            _add(words, locale.months[context][width], "month")
    _add(words, _MORE_MONTHS.get(name, {}), "month")
    for word, meaning in list(words.items()):
        words.setdefault(_without_accents(word), meaning)  # accents are often left out, in capitals above all
    longest_first = sorted(words, key=len, reverse=True)
    unspaced = re.compile(f"(?:{'|'.join(map(re.escape, longest_first))})+")
    names = sorted((name.split(" ") for name in words), key=len)
    longest = {name[0]: len(name) for name in names if len(name) > 1}
    initials = frozenset(word[0] for word in words if word.upper() == word)
    return Language(locale.english_name, locale.language == "th", words, longest, initials, unspaced)


def _literals(locale: Any) -> Iterator[str]:
    """The literal text in the locale's patterns of dates, such as "de" in Spanish."""
    from babel.dates import tokenize_pattern  # noqa: PLC0415

    patterns = [form.pattern for form in locale.date_formats.values()]
    patterns += [form.pattern for name, form in locale.datetime_skeletons.items() if set(name) <= set("yMdE")]
    for name, parts in locale.interval_formats.items():
        if set(name or "") <= set("yMdE") and isinstance(parts, Mapping):
            patterns += [part for pair in parts.values() for part in pair]
    yield from (locale.eras[width][1] for width in ("wide", "abbreviated"))  # the common era
    for pattern in patterns:
        yield from (str(text) for kind, text in tokenize_pattern(pattern) if kind == "chars")


def _meridiems(locale: Any) -> dict[str, str]:
    """The half of the day, "am" or "pm", of each of its periods, such as "in the evening"; without those in both."""
    meridiems = {"am": "am", "pm": "pm"}
    for period, rules in locale.day_period_rules.get(None, {}).items():
        spans = [(rule.get("at", rule.get("from", 0)), rule.get("before", 0)) for rule in rules]
        if all(start < _NOON and end <= _NOON for start, end in spans):
            meridiems[period] = "am"
        elif all(start >= _NOON and (end == 0 or end > start) for start, end in spans):
            meridiems[period] = "pm"
    return meridiems


def _add(words: dict[str, Word], names: Mapping[Any, str], kind: str, values: Mapping[Any, Any] | None = None) -> None:
    """Adds names to the words of a language. Single words of a longer name become connectors."""
    for key, name in names.items():
        parts = _split(name)
        if _NUMBERED.match(fold(name) or ""):
            if kind == "month":
                words[parts[0]] = _merged(words, parts[0], month_number="before" if name[0].isdecimal() else "after")
            continue
        phrase = " ".join(parts)
        words[phrase] = _merged(words, phrase, **{kind: values[key] if values else key})
        for part in parts[1:] and parts:
            words[part] = _merged(words, part, connector=True)


@lru_cache(maxsize=4096)
def _without_accents(word: str) -> str:
    kept = (c for c in unicodedata.normalize("NFD", word) if unicodedata.combining(c) not in _ACCENTS)
    return unicodedata.normalize("NFC", "".join(kept))


def _merged(words: Mapping[str, Word], word: str, **more: Any) -> Word:
    return replace(words.get(word, Word()), **more)


def _split(text: str) -> list[str]:
    return [word for word in _BREAK.split(fold(text) or "") if word]
