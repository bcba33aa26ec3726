"""Pages in a throttled browser, and under load."""
