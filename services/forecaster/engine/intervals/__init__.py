"""Prediction intervals and the distribution behind them."""
