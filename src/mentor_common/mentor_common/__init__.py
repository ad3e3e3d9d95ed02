"""What two or more packages share: task files, images, experience, topics, nodes, RosEnv."""
