"""What every process needs to run: background loops, back-off, deadlines, an orderly shutdown."""
