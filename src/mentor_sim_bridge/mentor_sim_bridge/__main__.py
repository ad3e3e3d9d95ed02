"""``python -m mentor_sim_bridge list | show | play | bridge``."""

from mentor_sim_bridge.command_line import main

if __name__ == "__main__":
    raise SystemExit(main())
