"""The HTML pages: rendered on the server, usable without JavaScript, without external requests."""
