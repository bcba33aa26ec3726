"""Who may call, and how often: warmup secret, API keys, rate limits."""
