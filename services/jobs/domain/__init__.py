"""Warmup jobs, snapshots, signals and scores. Plain Python."""
