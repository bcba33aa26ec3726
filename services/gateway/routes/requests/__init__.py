"""Reads what requests send: parameters, bodies, files."""
