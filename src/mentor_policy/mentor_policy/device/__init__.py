"""Where and in which number type tensors are computed."""
