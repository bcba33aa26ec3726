"""The engine: pure functions, a series in, a forecast bundle out. It reads no clock and no environment.

Importing this package, `version` or `types` loads neither numpy nor statsmodels; `forecast` does.
"""
