"""The gRPC server of jobs, and its client of the forecaster."""
