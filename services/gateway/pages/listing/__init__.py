"""The list of comparisons."""
