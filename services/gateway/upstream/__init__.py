"""gRPC clients of jobs and the forecaster."""
