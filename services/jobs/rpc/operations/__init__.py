"""The gRPC edge of what operators see and do."""
