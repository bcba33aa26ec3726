"""Connections that only take, and what the gateway loses by them."""
