"""`warmcast explain`: everything that the services know about one comparison."""
