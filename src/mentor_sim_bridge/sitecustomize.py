"""Makes ``gymnasium.make("mentor/...")`` work in every process of the sourced environment.

Before 1.0, gymnasium itself loaded the entry points of the group ``gymnasium.envs``; since then it
loads none, and an environment is found only after somebody has imported its package. Python imports
this module when it starts, as it lies on the path of the sourced environment; when gymnasium has
been imported, and not before, the environments are registered. It costs nothing where gymnasium is
not used. Another sitecustomize further down the path still runs.
"""

import importlib.util
import os
import sys


class _AfterGymnasium:
    """Finder that registers the environments when gymnasium has been imported."""

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        if name != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def exec_module(module):  # type: ignore[no-untyped-def]
            run(module)
            _register_environments()

        spec.loader.exec_module = exec_module
        return spec


def _register_environments() -> None:
    """Runs this stack's own entry points of the group; those of others are left alone."""
    from importlib.metadata import entry_points

    for entry_point in entry_points(group="gymnasium.envs"):
        if entry_point.value.startswith("mentor_"):
            entry_point.load()()


def _run_the_next_one() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    path = [os.path.abspath(p) for p in sys.path]
    # Only what comes later: two workspaces on one path would call each other without end.
    for folder in path[path.index(here) + 1 if here in path else 0 :]:
        candidate = os.path.join(folder, "sitecustomize.py")
        if not os.path.isfile(candidate) or os.path.samefile(candidate, __file__):
            continue
        spec = importlib.util.spec_from_file_location("sitecustomize", candidate)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
        return


sys.meta_path.insert(0, _AfterGymnasium())
_run_the_next_one()
