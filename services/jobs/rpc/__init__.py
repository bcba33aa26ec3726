"""The gRPC edge of jobs, and its client of the forecaster."""
