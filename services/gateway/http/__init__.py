"""The HTTP layer: server, connections, router, middleware, error responses."""
