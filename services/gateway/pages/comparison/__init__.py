"""The page of one comparison."""
