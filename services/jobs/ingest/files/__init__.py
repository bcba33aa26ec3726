"""Reads files: charset, sheet, headings, and the shapes in which people have exports."""
