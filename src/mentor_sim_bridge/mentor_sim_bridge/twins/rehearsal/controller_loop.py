"""A stand-in for a Cartesian impedance controller: pulls the arm of a rehearsal's world to the
commanded pose in the shared state. Run as a process: ``python -m ...controller_loop``."""

from __future__ import annotations

import sys

from mentor_sim_bridge.twins.arm.impedance import ImpedanceController
from mentor_sim_bridge.twins.rehearsal.world import Pace, World
from mentor_sim_bridge.twins.rehearsal.world_process import run_world

PERIOD = 0.002


def serve(world: World, address: str, stop: list[bool]) -> None:
    """Control the arm at 500 Hz; it holds where it is until the first target comes."""
    if world.shared is None:
        raise ValueError("the controller takes its target from the shared state; give --shared")
    controller = ImpedanceController(world.model, world.simulator.gains)
    controller.rest(world.angles)
    target = world.simulator.commanded()
    pace = Pace(PERIOD)
    while not stop:
        commanded = world.shared.commanded()
        if commanded is not None:
            target = commanded
        # The world adds gravity and Coriolis forces, which this controller's torques contain.
        world.torques[:] = controller.torques(world.data, target) - world.bias
        world.step()
        pace.wait()


if __name__ == "__main__":
    sys.exit(run_world(serve, __doc__))
