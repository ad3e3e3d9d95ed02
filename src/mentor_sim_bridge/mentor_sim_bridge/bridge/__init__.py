"""A gymnasium environment as the body of a cell: what the bridge decides, without ROS."""
