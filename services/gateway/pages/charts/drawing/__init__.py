"""The vocabulary of every chart: elements, paths, scales, ticks, text widths. It knows nothing of comparisons."""
