"""The engine's version: part of every forecast key, raised with any change that changes a number."""

ENGINE_VERSION = "7"
