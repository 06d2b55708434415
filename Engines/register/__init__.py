"""Enters engines into the cluster's registry in Redis and keeps them entered while they live."""
