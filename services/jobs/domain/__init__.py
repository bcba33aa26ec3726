"""What jobs knows: warmup jobs, snapshots, scores. Plain Python."""
