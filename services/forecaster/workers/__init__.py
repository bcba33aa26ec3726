"""The process pool that runs the engine."""
