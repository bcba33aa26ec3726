"""Starts the installed Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")


def require_chromium() -> str:
    """The path of the program. Skips the test if it is not installed; fails in CI."""
    if _PROGRAM:
        return _PROGRAM
    missing = "Chromium is not installed (Debian: apt-get install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@asynccontextmanager
async def chromium(program: str) -> AsyncIterator[Browser]:
    """A headless browser."""
    # Chromium's sandbox does not start for root, as in containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()
