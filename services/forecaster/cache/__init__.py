"""The forecast cache in Redis: bundles, their envelope and freshness, and the fence."""
