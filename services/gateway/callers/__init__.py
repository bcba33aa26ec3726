"""Who calls, and how much each may ask for."""
