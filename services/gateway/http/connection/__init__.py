"""One HTTP connection: limits of size and time, flow control, refusals."""
