"""Calls to jobs and the forecaster."""
