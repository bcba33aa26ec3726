"""The console's runbook matches the page of the alerts."""

from __future__ import annotations

import re

from devtools import runbook


def test_the_template_matches_the_page() -> None:
    assert runbook.PAGE.read_text(encoding="utf-8") == runbook.page(), "run `make docs`"


def test_each_alert_has_an_anchor() -> None:
    alerts = re.findall(r"^### (\w+)$", runbook.SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r'<h2 id="(\w+)">', runbook.page()) == [alert.lower() for alert in alerts]


def test_links_lead_to_sections_of_the_page() -> None:
    page = runbook.page()
    links = re.findall(r'<a href="([^"]+)"', page)
    assert links
    assert all(link.startswith("#") and f'id="{link[1:]}"' in page for link in links)
    assert "<em>If the migration fails</em>" in page
