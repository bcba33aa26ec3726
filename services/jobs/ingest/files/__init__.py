"""Parses files: charset, table, headings, and the layouts that other programs give an export."""
