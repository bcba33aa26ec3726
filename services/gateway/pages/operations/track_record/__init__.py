"""The track record: what forecasts said, and what came."""
