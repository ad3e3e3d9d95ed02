"""An agent in a package of its own."""
