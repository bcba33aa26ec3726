"""Serves the site, opens it in Chromium, and watches what the browser reports."""
