"""The base of all nodes: lifecycle, parameters, diagnostics, peers, and a clean end.

Longer than 350 lines, as what a node may call or fill in stands in one class.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from mentor_common.messages.qos import reliable
from mentor_common.messages.topics import Interface, Topic, options_of
from mentor_common.node import health
from mentor_common.node.caller import WorkerCaller
from mentor_common.node.debug_log import debug, step_name
from mentor_common.node.declared_parameters import DeclaredParameters
from mentor_common.node.describe_client import DescribeClient
from mentor_common.node.drop_log import DropLog
from mentor_common.node.goal_server import Goal, GoalServer
from mentor_common.node.holding import Holding
from mentor_common.node.parameters import Param, wall_seconds
from mentor_common.node.peers import PeerWatch
from mentor_common.node.remote_action import RemoteAction
from mentor_common.node.reporting import Reporter
from mentor_common.node.request_checks import check_requests
from mentor_common.node.spinning import LowLatencySubscriptions
from mentor_common.node.ticker import Ticker
from mentor_common.node.working_node import ANEW, WorkingNode

STANDARD_PARAMETERS = (
    Param(
        "autostart", "bool", True,
        "whether the node configures and activates itself; else a lifecycle manager does",
        read_only=True,
    ),
    wall_seconds("diagnostics_period", 1.0, "between two reports on /diagnostics and ~/statistics",
                 0.05, 60.0, read_only=True),
)  # fmt: skip
POLLS_PER_SECOND = 2.0
"""How often a node polls for its peers."""
WORKERS_END = 2.5
"""Seconds that workers have to end; the launch waits little longer for the process."""


class CellNode(WorkingNode):
    """A lifecycle node of the cell.

    A node has its name in ``NAME`` and its parameters in ``PARAMETERS``, and fills in the hooks
    ``configure`` (make publishers, subscriptions, servers, load what is to be loaded),
    ``activate``, ``deactivate`` and ``cleanup``. An exception in ``configure`` or ``activate`` is
    logged and leaves the node in its former state; with ``autostart`` it ends the process with
    status 1. What was made in ``configure`` through this class is destroyed by the cleanup.

    While the node is not active it publishes nothing but its diagnostics, receives nothing and
    rejects goals. The hooks and all callbacks run on one thread.
    """

    NAME: ClassVar[str]
    PARAMETERS: ClassVar[Sequence[Param]] = ()
    STEPS_NEED_IT: ClassVar[bool] = True
    """Whether an episode waits for this node; False for those who only watch."""

    def __init__(self, name: str = "", **node_arguments: Any) -> None:
        super().__init__(name or self.NAME, **node_arguments)
        self._cell_parameters = DeclaredParameters(
            self,
            (*STANDARD_PARAMETERS, *self.PARAMETERS),
            check=self.check_parameters,
            changed=self.parameters_changed,
        )
        self._cell_parameters.declare()
        self.health = health.Health()
        self.holding = Holding(self, self.STEPS_NEED_IT)
        self._cell_caller = WorkerCaller(self, lambda: self.holding.key)
        self.peers = PeerWatch(self, self.holding.inactive)
        self.health.add_source(self.peers.problems)
        self.low_latency = LowLatencySubscriptions()
        self._cell_drops = DropLog(self.get_logger().warning)
        check_requests(self, self.drop_request)
        self._cell_goal_servers: list[GoalServer] = []
        self._cell_reporter = Reporter(self, self.health, self.peers)
        self._cell_steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(
            self.number("diagnostics_period"), self._cell_reporter.report, clock=self._cell_steady
        )
        self.create_timer(1.0 / POLLS_PER_SECOND, self._cell_poll, clock=self._cell_steady)
        self._cell_own_entities = self._cell_entities()
        changing = ("active", "state_label", "exit_code")
        self._cell_foundation = {
            name: value
            for name, value in vars(self).items()
            if name not in changing and "__" not in name and not name.startswith("_cell_")
        }

    # Hooks, for the nodes to fill in.

    def configure(self) -> None:
        """Make everything that the node needs. Raises: any exception, with the reason."""

    def activate(self) -> None:
        """Begin to work. Raises: any exception, with the reason."""

    def deactivate(self) -> None:
        """Stop working."""

    def cleanup(self) -> None:
        """Release what ``configure`` took, but for publishers, subscriptions and servers."""

    def parameters_changed(self, names: set[str]) -> None:
        """Handle parameters that have changed at run time, after validation."""

    def check_parameters(self, values: dict[str, Any]) -> str | None:
        """Return why all parameters together are refused, or None. ``values`` are those to be."""
        return None

    # Parameters.

    def flag(self, name: str) -> bool:
        """Return the value of a bool parameter."""
        return self._cell_parameters.value(name, "bool")  # type: ignore[no-any-return]

    def integer(self, name: str) -> int:
        """Return the value of an int parameter."""
        return self._cell_parameters.value(name, "int")  # type: ignore[no-any-return]

    def number(self, name: str) -> float:
        """Return the value of a float parameter."""
        return self._cell_parameters.value(name, "float")  # type: ignore[no-any-return]

    def text(self, name: str) -> str:
        """Return the value of a str parameter."""
        return self._cell_parameters.value(name, "str")  # type: ignore[no-any-return]

    def items(self, name: str) -> list[Any]:
        """Return the value of an array parameter."""
        return list(self._cell_parameters.values[name])

    def parameter_values(self) -> dict[str, Any]:
        """Return all parameters of the table with their values, e.g. to write beside results."""
        return dict(self._cell_parameters.values)

    # Publishing, subscribing, serving.

    def inactive_peers(self) -> list[str]:
        """Return which nodes of the cell do not work, each with the state that it is in."""
        return self.holding.inactive()

    def publisher(self, topic: Topic) -> Any:
        """Return a publisher that is silent while the node is not active."""
        self.holding.add(topic)
        if topic.echoed:
            silent = PublisherEventCallbacks(use_default_callbacks=False)
            kind, qos = topic.type, reliable(1)
            self.create_publisher(kind, topic.name, qos, event_callbacks=silent)
        return self.create_lifecycle_publisher(topic.type, topic.name, topic.qos)

    def subscription(
        self,
        topic: Topic,
        callback: Callable[[Any], None],
        *,
        low_latency: bool = False,
        from_holder_only: bool = False,
        **options: Any,
    ) -> Any:
        """Return a subscription that is inactive while the node is.

        Args:
            topic: to subscribe to.
            callback: receives the messages.
            low_latency: whether a step waits for it; its messages are passed on without delay while
                steps come fast, see :mod:`mentor_common.node.spinning`.
            from_holder_only: whether messages of other nodes are dropped while a node holds the
                topic, see :mod:`mentor_common.node.claims`.
            options: options of rclpy's ``create_subscription``.
        """

        def receive(message: Any, info: Mapping[str, Any]) -> None:
            if self.active and (not held or self.holding.permits_info(held, info)):
                debug(self, lambda: f"received {topic.name}{step_name(message)}")
                callback(message)
            if low_latency:
                self.low_latency.received = time.monotonic()

        held = self.resolve_topic_name(topic.name) if from_holder_only else ""
        options = {**options_of(topic), **options}
        made = self.create_subscription(topic.type, topic.name, receive, topic.qos, **options)
        if low_latency:
            self.low_latency.add(made, receive)
        return made

    def serve(self, interface: Interface, callback: Callable[[Any, Any], Any]) -> Any:
        """Serve ``callback(request, response) -> response``, which must check ``self.active``."""
        return self.create_service(interface.type, interface.name, callback)

    def serve_action(
        self,
        interface: Interface,
        execute: Callable[[Goal], Any],
        *,
        threaded: bool = True,
        accept: Callable[[Any], str | None] | None = None,
    ) -> GoalServer:
        """Serve an action, see GoalServer; ``accept(goal)`` returns the reason of a refusal."""
        limits = self.holding.senders(interface), self.drop_request
        server = GoalServer(self, interface, execute, *limits, threaded=threaded, accept=accept)
        self._cell_goal_servers.append(server)
        return server

    def remote_action(self, interface: Interface) -> RemoteAction:
        """Return an action of somebody else, to be called from a worker thread."""
        return RemoteAction(self._cell_caller, interface)

    def describe_client(self) -> DescribeClient:
        """Return a client of ``describe``, to be called from a worker thread."""
        return DescribeClient(self._cell_caller)

    def timer(self, period: float, callback: Callable[[], None], *, wall: bool = False) -> Any:
        """Return a timer that is idle while the node is inactive; seconds of ROS or wall time."""

        def tick() -> None:
            if self.active:
                callback()

        return self.create_timer(period, tick, clock=self._cell_steady if wall else None)

    def ticker(self, period: float, callback: Callable[[], None]) -> Ticker:
        """Return a timer of wall time, seconds, that ticks only while it is needed."""
        return Ticker(self.timer(period, callback, wall=True))

    def drop_request(self, text: str, count: int = 1) -> None:
        """Count requests that are not carried out, and log one, once a second at most."""
        self.health.counter("requests dropped").add(count)
        self._cell_drops.note(f"dropped a request: {text}", count)

    # Lifecycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run ``configure``."""
        if not self._cell_step_taken("configure", self.refuse_late_workers):
            return TransitionCallbackReturn.FAILURE
        # The name is claimed before anything is made: a second server would answer for the first.
        steps = (self.holding.prepare, self._cell_configure, self.holding.prepare)
        if not all(self._cell_step_taken("configure", step) for step in steps):
            self._cell_destroy_configured()
            return TransitionCallbackReturn.FAILURE
        self.state_label = "inactive"
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run ``activate``."""
        if not self._cell_step_taken("activate", self.refuse_late_workers):
            return TransitionCallbackReturn.FAILURE
        self._cell_stopping.clear()
        if not self._cell_step_taken("activate", self.holding.begin):
            return TransitionCallbackReturn.FAILURE
        # The publishers are activated before the hook runs, so that it may publish.
        result = super().on_activate(state)
        self.active = True
        if not self._cell_step_taken("activate", self.activate):
            self.active = False
            self.holding.announce(active=False)
            super().on_deactivate(state)
            return TransitionCallbackReturn.FAILURE
        self.state_label = "active"
        self.peers.restart()
        self.peers.poll()  # else no peer would be missing in the first report
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run ``deactivate`` and end the workers."""
        self._cell_halt()
        self.holding.announce(active=False)
        self.state_label = "inactive"
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run ``cleanup`` and destroy what ``configure`` made."""
        self._cell_step_taken("cleanup", self.cleanup)
        self._cell_destroy_configured()
        self.state_label = "unconfigured"
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go down from any state, and end the process."""
        if self.active:
            self._cell_halt()
        if self.state_label != "unconfigured":
            self._cell_step_taken("cleanup", self.cleanup)
        self.state_label = "finalized"
        self._cell_stopped()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured, after an error in a transition."""
        if self.active:
            self._cell_halt()
        self._cell_destroy_configured()
        self.state_label = "unconfigured"
        return TransitionCallbackReturn.SUCCESS

    def autostart(self) -> None:
        """Configure and activate the node, if its parameter ``autostart`` is true."""
        if not self.flag("autostart"):
            self.get_logger().info("unconfigured; waits for a lifecycle manager (autostart: false)")
            return
        success = TransitionCallbackReturn.SUCCESS
        if self.trigger_configure() != success or self.trigger_activate() != success:
            self.finish(1)

    # Inner workings.

    def _cell_configure(self) -> None:
        debug(self, lambda: f"parameters: {self.parameter_values()}")
        self.configure()
        for name, value in self._cell_foundation.items():
            # A subclass that takes a name of rclpy's Node, such as _clock, breaks it in silence.
            if getattr(self, name, None) is not value:
                raise TypeError(
                    f"{type(self).__name__}.configure overwrites '{name}', which belongs to the "
                    "base class; choose another name"
                )

    def _cell_step_taken(self, name: str, hook: Callable[[], None]) -> bool:
        began = time.monotonic()
        try:
            hook()
        except Exception as error:
            self.get_logger().error(f"{name} failed: {type(error).__name__}: {error}")
            self.get_logger().debug(traceback.format_exc())
            self.health.problem("transition", health.ERROR, f"{name} failed: {error}")
            return False
        self.health.solved("transition")
        took = time.monotonic() - began
        debug(self, lambda: f"{name}: {hook.__qualname__} took {took:.3f} s")
        return True

    def _cell_halt(self) -> None:
        self.active = False
        self._cell_stopping.set()
        for server in self._cell_goal_servers:
            server.stop()
        self._cell_step_taken("deactivate", self.deactivate)
        self._cell_join_workers(WORKERS_END)

    def _cell_entities(self) -> dict[int, tuple[Callable[[Any], Any], Any]]:
        groups: list[tuple[Callable[[Any], Any], Any]] = [
            (self.destroy_subscription, self.subscriptions),
            (self.destroy_timer, self.timers),
            (self.destroy_client, self.clients),
            (self.destroy_service, self.services),
            (lambda waitable: waitable.destroy(), self.waitables),
            (self.destroy_lifecycle_publisher, self.publishers),
        ]
        return {
            id(entity): (destroy, entity) for destroy, entities in groups for entity in entities
        }

    def _cell_destroy_configured(self) -> None:
        self._cell_goal_servers.clear()
        self._cell_reporter.forget()
        self.holding.clear()
        self.peers.clear()
        self.low_latency.clear()
        for key, (destroy, entity) in self._cell_entities().items():
            if key not in self._cell_own_entities and hasattr(entity, "destroy"):
                destroy(entity)

    def _cell_poll(self) -> None:
        if silent := self.holding.unanswered():
            self.get_logger().error(
                f"{', '.join(silent)} did not answer since a node was suspended: this one restarts"
            )
            self.finish(ANEW)
        if self.active:
            self.peers.poll()
            if lost := self.holding.lost():
                self.get_logger().fatal(lost)
                self.finish(1)
