"""Reads dates: one reading for a whole column, in the languages in which Google exports."""
