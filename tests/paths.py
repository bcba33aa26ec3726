"""Paths of the checkout, the fixtures and the real exports."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FIXTURES = CHECKOUT / "tests" / "fixtures"
# Real exports are not part of the repository. Tests that need them are skipped without this folder.
EXPORTS = Path(os.environ.get("WARMCAST_EXPORTS") or CHECKOUT.parent / "shared" / "data" / "google-trends")
