"""Point forecasts: the members, their combination, and the backtest."""
