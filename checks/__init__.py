"""Rules and checks, one module per area; loaded as a plugin, like anybody's."""
