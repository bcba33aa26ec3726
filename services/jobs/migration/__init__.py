"""What runs the schema migrations on a database that is in use: waiting for it, for its locks and for each other."""
