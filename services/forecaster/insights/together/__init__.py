"""Insights of both terms together."""
