"""PostgreSQL as jobs uses it: one class for each kind of data."""
