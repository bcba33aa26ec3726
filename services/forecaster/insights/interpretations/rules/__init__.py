"""Rules in groups. A rule returns a finding, or None where it has nothing to say."""
