"""Runs the rendered manifests on this machine: each workload's command, environment and probes as local processes."""
