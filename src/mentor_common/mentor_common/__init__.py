"""The words that two or more crafts of the MENTOR robot learning stack share: task files, images, experience, topics and QoS, RosEnv."""
