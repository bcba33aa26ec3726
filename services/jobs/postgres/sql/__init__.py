"""The statements: one for each edge of the state machine, rescue, upkeep, and the schema."""
