"""Loops that sum up the queue for operators and metrics."""
