"""Parses and cleans imports: bytes or points in, an immutable snapshot out. Pure functions, no store."""
