"""From messages to the inputs of a reward, and from its results to rewards, whatever the task."""
