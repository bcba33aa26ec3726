"""The pages: links and anchors exist, paths exist, paragraphs are short, and each page is reachable from the README."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.paths import CHECKOUT

MAX_PARAGRAPH = 600  # characters
MAX_README_LINES = 120
TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
PAGES = sorted(
    {*(CHECKOUT / name for name in TRACKED.splitlines()), *(CHECKOUT / "docs").rglob("*.md")}
    & set(CHECKOUT.rglob("*.md"))
)
TAUGHT = [page for page in PAGES if page == CHECKOUT / "README.md" or (CHECKOUT / "docs") in page.parents]
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:services|tests|deploy|devtools|devstack|client|protos|docs)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_its_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in _links(page) if not _exists(page, link)]
    assert not broken


@pytest.mark.parametrize("page", TAUGHT, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_its_paragraphs_are_short(page: Path) -> None:
    long = [each[:80] for each in paragraphs(page.read_text(encoding="utf-8")) if len(each) > MAX_PARAGRAPH]
    assert not long


@pytest.mark.parametrize("page", TAUGHT, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_the_paths_it_names_exist(page: Path) -> None:
    missing = [each for each in PATH.findall(page.read_text(encoding="utf-8")) if not _may_exist(each)]
    assert not missing


def test_every_page_is_reachable_from_the_readme() -> None:
    reached, waiting = set(), [CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [each for link in _links(page) if (each := _target(page, link)).suffix == ".md"]
    assert {page.relative_to(CHECKOUT) for page in PAGES} <= {page.relative_to(CHECKOUT) for page in reached}


def test_the_readme_is_short() -> None:
    assert len((CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()) < MAX_README_LINES


def test_a_long_paragraph_and_a_broken_link_are_found() -> None:
    assert [len(each) for each in paragraphs(f"# A\n\n{'word ' * 130}\n- an item\n\n| a table |\n")] == [3, 649, 7]
    assert not _exists(CHECKOUT / "README.md", "docs/missing.md")
    assert not _exists(CHECKOUT / "README.md", "CONTRIBUTING.md#missing")
    assert _exists(CHECKOUT / "README.md", "docs/reference/contract.md#the-premium-answer")


def paragraphs(text: str) -> list[str]:
    """Blocks of text and single list items, each on one line; no code, no tables."""
    text = re.sub(r"^ *\|.*\n?", "\n", FENCE.sub("", text), flags=re.MULTILINE)
    text = re.sub(r"^( *(?:[-*]|\d+\.) )", r"\n\1", text, flags=re.MULTILINE)
    found = (" ".join(each.split()) for each in re.split(r"\n\s*\n", text))
    return [each.removeprefix("- ") for each in found if each]


def _links(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    text = re.sub(r"`[^`]*`", lambda span: "x" * len(span[0]), text)
    return [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]


def _exists(page: Path, link: str) -> bool:
    target, anchor = _target(page, link), link.partition("#")[2]
    return target.exists() and (not anchor or anchor in _anchors(target))


def _target(page: Path, link: str) -> Path:
    path = link.partition("#")[0]
    return (page.parent / path).resolve() if path else page


@cache
def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _may_exist(path: str) -> bool:
    """Capitals stand for a name: SERVICE, NUMBER_WHAT."""
    known = path.rstrip("/.").split("/")
    fixed = known[: next((at for at, part in enumerate(known) if re.search(r"[A-Z]{4,}", part)), len(known))]
    return (CHECKOUT / "/".join(fixed)).exists()
