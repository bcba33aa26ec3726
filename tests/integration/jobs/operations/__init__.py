"""Integration tests of what operators do."""
