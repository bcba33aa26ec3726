"""Records the examples of the OpenAPI document from a run of the whole product: `make examples`."""
