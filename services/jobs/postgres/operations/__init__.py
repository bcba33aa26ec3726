"""What operators and schedules did, and bulk operations, in PostgreSQL."""
