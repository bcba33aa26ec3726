"""The forecast bundle: what the engine says about one term, and how two terms compare."""
