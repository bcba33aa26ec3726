"""Connections, pool, LISTEN, and errors by SQLSTATE."""
