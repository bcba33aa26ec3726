"""The reader of real input: bytes or points in, an immutable snapshot out. Pure functions, no store in sight."""
