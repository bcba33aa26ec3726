"""Insights: why a term moves. Pure functions from series and forecasts to plain values; no clock, no environment.

Importing this package or `types` loads neither numpy nor statsmodels; importing `pair` does.
"""
