"""One HTTP connection: what it may hold, and how long its parts may take."""
