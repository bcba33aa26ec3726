"""HTTP below the routes: server, connections, router, middleware, problems."""
