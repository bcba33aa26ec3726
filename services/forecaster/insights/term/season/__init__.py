"""The season of a term: when it is highest and lowest, and whether it is more than noise."""
