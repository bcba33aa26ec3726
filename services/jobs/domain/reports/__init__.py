"""What operators see of jobs, runs and forecasts."""
