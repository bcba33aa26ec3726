"""The gRPC edge of the forecaster."""
