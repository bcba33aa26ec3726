"""Commands for developers: write pages from code, and check protos for breaking changes."""
