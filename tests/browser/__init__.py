"""Pages in a real browser, served by the real gateway with fake jobs and forecaster services."""
