"""Takes the pictures of the README and of the console, light and dark. `make screenshots`."""

from __future__ import annotations

import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, expect, sync_playwright

from devstack import product
from devstack.processes.child import DevstackError
from devstack.processes.supervisor import Supervisor
from devstack.product import Addresses
from devstack.sample import SLUG, TIMEFRAME, load_sample
from devstack.settings import inherited
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from devtools.chromium import ARGUMENTS, program
from devtools.sample_queue import fill_queue

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
MAX_BYTES = 150_000
_THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_TIMEOUT_MS = 60_000
# File, path, and a text of the page once it is there.
_CONSOLE = (
    ("console-jobs", "/ops/jobs", "Requeue all that match"),
    ("console-comparisons", "/ops/comparisons", "Warm all that match"),
)


@dataclass(frozen=True)
class Product:
    """A product with the sample and a queue."""

    base_url: str
    secret: str


def main() -> int:
    """Writes the pictures. Returns the exit status."""
    supervisor = Supervisor(lambda line: print(line, file=sys.stderr))
    with tempfile.TemporaryDirectory(prefix="warmcast-screenshots-") as folder:
        try:
            take(_start(Path(folder), supervisor))
        except DevstackError as error:
            print(f"screenshots: {error}", file=sys.stderr)
            return 1
        finally:
            supervisor.stop()
    return 0


def take(product: Product) -> None:
    """Takes the pictures. Raises DevstackError for one that is too large."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 985})
        page.goto(f"{product.base_url}/compare/{SLUG}?tf={TIMEFRAME}")
        expect(page.locator("#state")).to_have_attribute("data-state", "ready", timeout=_TIMEOUT_MS)
        _take(page, "comparison")
        _log_in(page, product)
        for name, path, ready in _CONSOLE:
            page.goto(f"{product.base_url}{path}")
            expect(page.get_by_text(ready).first).to_be_visible()
            expect(page.locator("#freshness")).to_have_text("live")
            _take(page, name)
        browser.close()


def _take(page: Page, name: str) -> None:
    for theme in _THEMES:
        page.emulate_media(color_scheme=theme)
        path = FOLDER / f"{name}-{theme}.jpg"
        page.screenshot(path=path, type="jpeg", quality=82)
        if (size := path.stat().st_size) > MAX_BYTES:
            raise DevstackError(f"{path.name} has {size:,} bytes, allowed are {MAX_BYTES:,}")
        print(f"wrote {path.name}, {size:,} bytes")


def _log_in(page: Page, product: Product) -> None:
    page.goto(f"{product.base_url}/login?next=/ops")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("secret").fill(product.secret)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def _start(folder: Path, supervisor: Supervisor) -> Product:
    """Starts the product with the sample and a queue."""
    postgres, valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
    supervisor.start(postgres, valkey)
    secret, addresses = secrets.token_hex(16), Addresses.on_free_ports()
    environment = {
        **inherited(),
        **product.wiring(addresses, database_url=postgres.url, redis_url=valkey.url),
        "WARMUP_SECRET": secret,
    }
    product.migrate(environment)
    supervisor.start(*product.services(addresses, environment))
    load_sample(addresses.reachable_host, addresses.gateway_port, secret)
    started = Product(addresses.base_url, secret)
    fill_queue(started.base_url, secret)
    return started


if __name__ == "__main__":
    sys.exit(main())
