"""Reports for operators: coverage, holders of leases, and statistics."""
