"""The operators' console in a browser."""
