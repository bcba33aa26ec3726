"""Insights of one term."""
