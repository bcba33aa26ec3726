"""Synthetic series with launches, level changes and seasons: where the engine has to tell them apart."""
