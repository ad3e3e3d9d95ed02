"""The ROS nodes of the recorder."""
