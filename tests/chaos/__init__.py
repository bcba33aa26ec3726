"""Strikes real processes at random and counts, by SQL, what was lost, doubled or undead: `make chaos`."""
