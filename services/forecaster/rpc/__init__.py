"""The gRPC API of the forecaster."""
