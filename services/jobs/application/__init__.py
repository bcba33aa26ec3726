"""What jobs does: dispatch, run, sweep, import, score. Plain Python behind protocols."""
