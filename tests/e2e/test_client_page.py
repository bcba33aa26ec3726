"""docs/how-to/call-from-python.md: its code runs against the product, in its order, and prints what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.e2e.conftest import SECRET, Product, machine
from tests.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "how-to" / "call-from-python.md"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_its_code_prints_what_it_says(running_product: Product) -> None:
    page = PAGE.read_text(encoding="utf-8")
    examples = EXAMPLE.findall(page)
    assert len(examples) == page.count("```python") >= 4
    addresses = {"127.0.0.1:50051": "JOBS_ADDR", "127.0.0.1:50052": "FORECASTER_ADDR"}
    for code, said in examples:
        for shown, name in addresses.items():
            code = code.replace(shown, running_product.environment[name])  # noqa: PLW2901 - the code as it is run
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**machine(), "PATH": os.defpath, "WARMUP_SECRET": SECRET},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.stdout, ended.stderr) == (said, "")
