"""Every operation: parameters, responses, errors."""
