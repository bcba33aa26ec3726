"""Logs, trace context and counters."""
