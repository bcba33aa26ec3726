"""Access control: warmup secret, API keys, rate limits."""
