"""docs/how-to/call-from-python.md: the page's code runs against the product in order and prints the output shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.e2e.conftest import SECRET, Product, machine
from tests.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "how-to" / "call-from-python.md"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_page_s_code_prints_the_output_that_the_page_shows(running_product: Product) -> None:
    page = PAGE.read_text(encoding="utf-8")
    examples = EXAMPLE.findall(page)
    assert len(examples) == page.count("```python") >= 4
    addresses = {"127.0.0.1:50051": "JOBS_ADDR", "127.0.0.1:50052": "FORECASTER_ADDR"}
    for code, expected in examples:
        for shown, name in addresses.items():
            code = code.replace(shown, running_product.environment[name])  # noqa: PLW2901 - the same code with the test's address
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**machine(), "PATH": os.defpath, "WARMUP_SECRET": SECRET},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.stdout, ended.stderr) == (expected, "")
