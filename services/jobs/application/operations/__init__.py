"""Bulk operations, and the record of schedules."""
