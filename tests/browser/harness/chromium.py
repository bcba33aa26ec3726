"""Starts the installed Chromium."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

from devtools.chromium import ARGUMENTS, MISSING, PROGRAM


def require_chromium() -> str:
    """The path of the program. Skips the test if it is not installed; fails in CI."""
    if PROGRAM:
        return PROGRAM
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@asynccontextmanager
async def chromium(program: str) -> AsyncIterator[Browser]:
    """A headless browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
