"""Commands for developers: pages written from code, and the check of the protos."""
