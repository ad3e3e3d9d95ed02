"""What two or more packages share: task files, images, experience, topics, nodes, RosEnv."""

import mentor_common.node.bounded_sequences  # noqa: F401 (first: before the client library)
