"""Takes the pictures of the README: the page of the sample comparison, light and dark. `make screenshots`."""

from __future__ import annotations

import secrets
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import expect, sync_playwright

from devstack import product
from devstack.processes.child import DevstackError
from devstack.processes.supervisor import Supervisor
from devstack.product import Addresses
from devstack.sample import SLUG, TIMEFRAME, load_sample
from devstack.settings import inherited
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from devtools.chromium import ARGUMENTS, program

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
MAX_BYTES = 150_000
_THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_TIMEOUT_MS = 60_000


def main() -> int:
    """Writes `comparison-light.jpg` and `comparison-dark.jpg`. Returns the exit status."""
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


def take(base_url: str) -> None:
    """Takes the pictures from a product with the sample. Raises DevstackError for one that is too large."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 985})
        page.goto(f"{base_url}/compare/{SLUG}?tf={TIMEFRAME}")
        expect(page.locator("#state")).to_have_attribute("data-state", "ready", timeout=_TIMEOUT_MS)
        for theme in _THEMES:
            page.emulate_media(color_scheme=theme)
            path = FOLDER / f"comparison-{theme}.jpg"
            page.screenshot(path=path, type="jpeg", quality=82)
            if (size := path.stat().st_size) > MAX_BYTES:
                raise DevstackError(f"{path.name} has {size:,} bytes, allowed are {MAX_BYTES:,}")
            print(f"wrote {path.name}, {size:,} bytes")
        browser.close()


def _start(folder: Path, supervisor: Supervisor) -> str:
    """Starts the product with the sample; returns the address of the gateway."""
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
    return addresses.base_url


if __name__ == "__main__":
    sys.exit(main())
