"""Simulated upstreams: independent of the gateway's code, written from what the vendors put on the wire."""
