"""A cell as a gymnasium environment. Importing this package registers the ids ``mentor/...``."""

from mentor_common.env.registration import register_environments

register_environments()
