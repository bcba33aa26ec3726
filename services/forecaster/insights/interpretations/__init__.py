"""Sentences, by deterministic rules from the numbers."""
