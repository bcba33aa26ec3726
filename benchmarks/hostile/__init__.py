"""Hostile connections and their cost to the gateway."""
