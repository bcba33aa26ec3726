"""The forecast bundle: one term's forecast, and the comparison of two terms."""
