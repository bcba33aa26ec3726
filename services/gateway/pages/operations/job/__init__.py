"""One job: its facts, attempts and keys, and what operators do with it."""
