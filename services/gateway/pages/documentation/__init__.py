"""The documentation of the REST API."""
