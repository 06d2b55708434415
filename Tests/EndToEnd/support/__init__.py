"""What the end-to-end tests stand on: processes, raw clients, waiting with deadlines."""
