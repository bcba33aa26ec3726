"""The engine's version: part of every forecast key. Raise it with every change that changes a number."""

ENGINE_VERSION = "9"
