"""The queue beside its peers from PyPI, on one PostgreSQL with durable settings."""
