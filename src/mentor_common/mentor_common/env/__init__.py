"""A cell as a gymnasium environment."""
