"""The overview: the queue, who works, and what is wrong."""
