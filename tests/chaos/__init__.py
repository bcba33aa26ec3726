"""Injects random faults into real processes and counts violations of the queue's guarantees by SQL: `make chaos`."""
