"""The main chart: both terms' history, and their forecasts with bands."""
