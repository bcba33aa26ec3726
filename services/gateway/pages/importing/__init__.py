"""Import of exports, with a preview."""
