"""Plugins: manifests, discovery, loading, devices, the inference thread and its caches."""
