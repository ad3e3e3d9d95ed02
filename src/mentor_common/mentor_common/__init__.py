"""The words that two or more crafts share: task files, images, experience, topics, RosEnv."""
