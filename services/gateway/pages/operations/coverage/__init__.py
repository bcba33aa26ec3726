"""The comparisons with the state of their forecasts."""
