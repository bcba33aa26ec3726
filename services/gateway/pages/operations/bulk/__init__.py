"""Changes of all that match a filter: dry run, confirmation, progress."""
