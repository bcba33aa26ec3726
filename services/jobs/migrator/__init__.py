"""Runs schema migrations on a database that is in use."""
