"""Commands for operators: history, statistics, coverage, audit and bulk operations."""
