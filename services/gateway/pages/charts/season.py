"""The season's profile of one or both terms: what each place in the season adds to a term's level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.gateway.pages.charts.drawing.axes import Box, value_axis
from services.gateway.pages.charts.drawing.legend import names_above
from services.gateway.pages.charts.drawing.path import line_path
from services.gateway.pages.charts.drawing.scale import Scale, round_domain, round_ticks
from services.gateway.pages.charts.drawing.svg import Markup, element, image, join, number
from services.gateway.pages.charts.drawing.typeface import isolated, text_width
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.words import signed_tick, signed_words

_WIDTH, _HEIGHT, _NARROW_WIDTH = 540.0, 300.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 36.0, 28.0
_SIZE = 12.5
_MOST_BARS = 24  # places; longer seasons, such as weeks of a year, are lines
_SMALLEST = 1.0  # points that the axis reaches at least, both ways
_LABEL_GAP = 8.0


@dataclass(frozen=True)
class Profile:
    """A term's season: the effect of each place, in points."""

    role: Role
    name: str
    effects: Sequence[float]


@dataclass(frozen=True)
class Place:
    """A place in the season. Neighbours may share a tick, as the weeks of a month do."""

    name: str  # `24 December`, `January`, `Monday`, `06:00`
    tick: str  # `Dec`, `Jan`, `Mon`, `06:00`


def season_chart(profiles: Sequence[Profile], places: Sequence[Place], *, id_: str, narrow: bool = False) -> Markup:
    """Bars for up to 24 places, else lines. There is a place for each effect.

    Raises ValueError without a profile, or where their lengths differ.
    """
    if not profiles or any(len(profile.effects) != len(places) for profile in profiles) or len(places) < 2:
        raise ValueError("a chart of a season needs one effect for each of at least two places")
    width = _NARROW_WIDTH if narrow else _WIDTH
    box = Box(_LEFT, _TOP, width - _RIGHT, _HEIGHT - _BOTTOM)
    effects = [effect for profile in profiles for effect in profile.effects]
    low, high = round_domain(min(-_SMALLEST, *effects), max(_SMALLEST, *effects), 4)
    y = Scale(low, high, box.bottom, box.top)
    draw = _bars if len(places) <= _MOST_BARS else _lines
    return image(
        value_axis(box, y, round_ticks(low, high, 4), signed_tick),
        draw(profiles, places, box, y),
        names_above([(each.role, each.name) for each in profiles], box, _SIZE, bars=draw is _bars),
        _place_names(places, box),
        id_=id_,
        kind="season",
        width=width,
        height=_HEIGHT,
        title=f"Season of {' and '.join(isolated(profile.name) for profile in profiles)}",
        desc=" ".join(_words(profile, places) for profile in profiles),
        font_size=_SIZE,
    )


def _bars(profiles: Sequence[Profile], places: Sequence[Place], box: Box, y: Scale) -> Markup:
    slot = box.width / len(places)
    bar = min(0.76 * slot / len(profiles), 22.0)
    groups: list[Markup] = []
    for rank, profile in enumerate(profiles):
        offset = (rank - len(profiles) / 2) * bar
        bars = [
            _bar(
                box.left + (index + 0.5) * slot + offset,
                bar,
                effect,
                y,
                f"{places[index].name}: {signed_words(effect)}",
            )
            for index, effect in enumerate(profile.effects)
        ]
        groups.append(element("g", *bars, class_=f"bar {profile.role}"))
    return join(*groups)


def _bar(left: float, width: float, effect: float, y: Scale, title: str) -> Markup:
    top, bottom = sorted((y(0), y(effect)))
    return element(
        "rect", element("title", title), x=left + 1, y=top, width=max(1.0, width - 2), height=max(0.5, bottom - top)
    )


def _lines(profiles: Sequence[Profile], places: Sequence[Place], box: Box, y: Scale) -> Markup:
    middles = _middles(places, box)
    return join(
        *(
            element(
                "path",
                class_=f"line {profile.role}",
                d=line_path([(x, y(effect)) for x, effect in zip(middles, profile.effects, strict=True)]),
            )
            for profile in profiles
        )
    )


def _middles(places: Sequence[Place], box: Box) -> list[float]:
    slot = box.width / len(places)
    return [box.left + (index + 0.5) * slot for index in range(len(places))]


def _place_names(places: Sequence[Place], box: Box) -> Markup:
    """Every tick's name where it begins, or every second, third, …, so that none overlap."""
    middles = _middles(places, box)
    begins = [index for index, place in enumerate(places) if index == 0 or place.tick != places[index - 1].tick]
    every = next(each for each in range(1, len(places) + 1) if _is_readable(begins[::each], places, middles))
    shown = begins[::every]
    names = [element("text", places[index].tick, x=middles[index], y=box.bottom + _SIZE + 8) for index in shown]
    ticks = "".join(f"M{number(middles[index])} {number(box.bottom)}v4" for index in shown)
    return join(element("path", class_="tickline", d=ticks), element("g", *names, class_="tick", text_anchor="middle"))


def _is_readable(indexes: Sequence[int], places: Sequence[Place], middles: Sequence[float]) -> bool:
    half = {index: text_width(places[index].tick, _SIZE) / 2 for index in indexes}
    return all(
        middles[one] + half[one] + _LABEL_GAP <= middles[other] - half[other] for one, other in pairwise(indexes)
    )


def _words(profile: Profile, places: Sequence[Place]) -> str:
    (low, low_at), (high, high_at) = (
        choose((effect, index) for index, effect in enumerate(profile.effects)) for choose in (min, max)
    )
    return (
        f"{isolated(profile.name)}: highest at {places[high_at].name}, {signed_words(high)} points; "
        f"lowest at {places[low_at].name}, {signed_words(low)} points."
    )
