"""The Franka arm: commands, limits and workspace safety."""
