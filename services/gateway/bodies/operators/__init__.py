"""The bodies that operators get: attempts, statistics, coverage, audit and bulk operations."""
