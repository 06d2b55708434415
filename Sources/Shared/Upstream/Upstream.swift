// The module's first lines follow.
