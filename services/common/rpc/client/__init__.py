"""How a service calls another."""
