"""Charts of the operator's pages."""
