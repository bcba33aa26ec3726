"""The blocking client, generated from the one for asyncio: `python -m devtools.blocking_client`.

It uses its own table of replacements, as httpcore does: unasync replaces single tokens only, so `grpc.aio.Channel` and
docstrings would stay unchanged.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from devstack.settings import CHECKOUT

SOURCE = CHECKOUT / "client" / "warmcast" / "client" / "aio.py"
GENERATED = SOURCE.with_name("blocking.py")
_HEAD = (
    '"""The blocking client; its parts may be shared by threads. Generated from aio.py by `make docs`: edit that."""'
)
_REPLACEMENTS = (
    (r'\A""".*?"""', _HEAD),
    (r"\basync def\b", "def"),
    (r"\bawait ", ""),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"\bgrpc\.aio\.", "grpc."),
    (r"\b(\w+)AsyncStub\b", r"\1Stub"),
    (r"\bcall_unary\b", "call_unary_blocking"),
    (r"\bopen_channel\b", "open_blocking_channel"),
    (r"\bwait_for_connection_async\b", "wait_for_connection"),
)


def blocking() -> str:
    """The source of the blocking client, formatted."""
    text = SOURCE.read_text(encoding="utf-8")
    for pattern, replacement in _REPLACEMENTS:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    ruff = Path(sys.executable).with_name("ruff")
    command = [
        str(ruff),
        "format",
        "--config",
        str(CHECKOUT / "pyproject.toml"),
        "--stdin-filename",
        str(GENERATED),
        "-",
    ]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    GENERATED.write_text(blocking(), encoding="utf-8")
