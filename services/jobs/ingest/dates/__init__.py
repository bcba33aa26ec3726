"""Parses dates: one form for a whole column, in the languages of Google's exports."""
