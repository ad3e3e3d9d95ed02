"""Learning from a stream: what actor and learner on two machines think with, without ROS."""
