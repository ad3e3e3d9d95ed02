"""The cell file: what belongs to one real cell and to no task (addresses, serials, calibration).

``load_cell(path)`` reads it; every wrong key, type and range is refused with the file, the key, the
value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from mentor_common.tasks.cameras import ASPECT_TOLERANCE, Camera, Crop
from mentor_common.tasks.yaml_fields import Fields, parse_yaml

AUTO = "auto"


@dataclass(frozen=True)
class Load:
    """What the flange carries besides the configured hand.

    Args:
        mass: kg.
        centre: centre of mass in the flange's frame, metres.
        inertia: diagonal of the inertia tensor about it, kg m².
    """

    mass: float = 0.0
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    inertia: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Placement:
    """A rigid transform: metres, then roll, pitch, yaw in radians (fixed axes x, y, z)."""

    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class RobotCell:
    """How the arm is reached and mounted.

    Args:
        address: host name or address of the control box; "rehearsal": the simulated one.
        realtime: whether a real-time kernel is required ("enforce") or not ("ignore").
        gripper: "franka" for the Franka Hand, "none" without.
        end_effector: grasp point in the frame of the nominal end effector that Desk configures.
        load: what the flange carries besides the hand.
        base: the robot's base in the frame of the task's workspace.
        description: URDF file that the arm node publishes as robot_description; empty: none.
            Relative paths start at the folder of the cell file.
    """

    address: str = "172.16.0.2"
    realtime: str = "enforce"
    gripper: str = "franka"
    end_effector: Placement = Placement()
    load: Load = Load()
    base: Placement = Placement()
    description: str = ""


@dataclass(frozen=True)
class ControllerCell:
    """Names of the controllers over topics (``robot:=ros2_control``), relative to the namespace.

    Args:
        target_pose: topic to which the controller listens.
        current_pose: topic of the end effector's pose.
        joint_states: topic of the joints.
        external_wrench: topic of the force on the end effector (WrenchStamped, in any frame);
            empty: there is none, and a force stops nothing.
        controller: name that the controller manager knows; empty: it runs already.
        replaces: controllers that are stopped when it is started.
        manager: name of the controller manager.
        error_recovery: action that ends a reflex; empty: none is needed.
        gripper: namespace of the gripper's actions (homing, grasp, move); empty: no gripper.
    """

    target_pose: str = "target_pose"
    current_pose: str = "current_pose"
    joint_states: str = "joint_states"
    external_wrench: str = ""
    controller: str = ""
    replaces: tuple[str, ...] = ()
    manager: str = "controller_manager"
    error_recovery: str = "action_server/error_recovery"
    gripper: str = "franka_gripper"


@dataclass(frozen=True)
class CameraCell:
    """One camera as it stands in the cell.

    Args:
        serial: serial of the device; empty: the only one that is connected.
        crop: region of interest; None: that of the task.
        exposure: in the unit of librealsense's option, which is 100 microseconds for the colour
            sensors of D415, D435 and D455; None: chosen automatically during the warm-up, then
            locked.
        gain: in the unit of librealsense's option; None: likewise.
        white_balance: kelvin; None: likewise.
    """

    serial: str = ""
    crop: Crop | None = None
    exposure: float | None = None
    gain: float | None = None
    white_balance: float | None = None


@dataclass(frozen=True)
class Cell:
    """A real cell.

    Args:
        name: name of the cell.
        file: where it was read; empty: the defaults.
        robot: the arm over FCI.
        controllers: the arm over topics.
        bounds: region that must hold the workspace of a task, as far as its window is moved, and
            so all commands: axis to lowest and highest metres; an axis that is not named is not
            checked.
        cameras: by name; a camera of the task that is not named has the defaults.
    """

    name: str = "default"
    file: str = ""
    robot: RobotCell = RobotCell()
    controllers: ControllerCell = ControllerCell()
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    cameras: dict[str, CameraCell] = field(default_factory=dict)

    def description(self) -> str:
        """Return the text of the robot's URDF file; empty: none is named.

        Raises:
            ValueError: the file cannot be read, or is no URDF.
        """
        if not self.robot.description:
            return ""
        path = Path(self.file).parent / self.robot.description
        refusal = f"cell file {self.file}: key 'robot.description': {path} is refused"
        try:
            text = path.read_text(encoding="utf-8")
            root = ElementTree.fromstring(text)
        except (OSError, UnicodeDecodeError, ElementTree.ParseError) as error:
            raise ValueError(f"{refusal}: {error}; allowed: a URDF file, or ''") from error
        if root.tag != "robot":
            raise ValueError(
                f"{refusal}: its root is <{root.tag}>; allowed: a URDF file, whose root is <robot> "
                "(a .xacro file has to be expanded first: xacro FILE > arm.urdf)"
            )
        return text

    def camera(self, name: str) -> CameraCell:
        """Return the camera of that name, or the defaults."""
        return self.cameras.get(name, CameraCell())

    def placed(self, camera: Camera, size: tuple[int, int]) -> Camera:
        """Return a camera of the task with the crop that it has in this cell.

        Args:
            camera: as the task has it.
            size: height and width at which the task uses its images, pixels
                (:meth:`mentor_common.tasks.task.Task.image_size`).

        Raises:
            ValueError: the crop leaves the capture, has another aspect ratio than those images, or
                fewer pixels.
        """
        crop = self.camera(camera.name).crop
        if crop is None:
            return camera
        height, width = size
        allowed = ""
        if crop.x + crop.width > camera.width or crop.y + crop.height > camera.height:
            allowed = f"a region of the task's captures of {camera.width}x{camera.height} pixels"
        elif not crop.fits(width, height):
            allowed = (
                f"at least {width}x{height} pixels, the size at which the task uses its images, "
                f"and their aspect ratio within {ASPECT_TOLERANCE:.0%}"
            )
        if allowed:
            raise ValueError(
                f"cell file {self.file}: key 'cameras.{camera.name}.crop': {crop} is refused; "
                f"allowed: {allowed}"
            )
        return replace(camera, crop=crop)


def find_cell(path: str) -> Cell:
    """Return the cell of a file, or the default cell if the path is empty."""
    return load_cell(Path(path)) if path else Cell()


def load_cell(path: Path | str) -> Cell:
    """Return the cell of a YAML file, validated. Raises: FileNotFoundError, TaskError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error  # the whole text of OSError has the path
        raise FileNotFoundError(
            f"cell file {path} cannot be read: {reason}; cells/example.yaml is one to copy"
        ) from error
    return parse_cell(text, str(path))


def parse_cell(text: str, file: str = "(text)") -> Cell:
    """Return the cell of a YAML text, validated. Raises: TaskError."""
    top = parse_yaml(text, file, kind="cell file")
    cell = Cell(
        name=top.name("name"),
        file=file,
        robot=_read_robot(top),
        controllers=_read_controllers(top),
        bounds=_read_bounds(top),
        cameras=_read_cameras(top),
    )
    top.end()
    return cell


def _read_robot(top: Fields) -> RobotCell:
    section = top.section("robot", optional=True)
    readers: dict[str, Callable[[str], Any]] = {
        "address": section.text,
        "realtime": lambda key: section.choice(key, ("enforce", "ignore")),
        "gripper": lambda key: section.choice(key, ("franka", "none")),
        "end_effector": lambda key: _read_placement(section.section(key)),
        "load": lambda key: _read_load(section.section(key)),
        "base": lambda key: _read_placement(section.section(key)),
        "description": lambda key: section.text(key, empty=True),
    }
    return RobotCell(**_read_given(section, readers))


def _read_given(section: Fields, readers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """Return the values of the keys that a section has, each read by its reader."""
    values = {name: read(name) for name, read in readers.items() if section.has(name)}
    section.end()
    return values


def _read_placement(section: Fields) -> Placement:
    place = Placement(
        section.vector("translation", 3, -5.0, 5.0), section.vector("rotation", 3, -6.3, 6.3)
    )
    section.end()
    return place


def _read_load(section: Fields) -> Load:
    load = Load(
        section.number("mass", 0.0, 5.0),
        section.vector("centre", 3, -1.0, 1.0),
        section.vector("inertia", 3, 0.0, 1.0),
    )
    section.end()
    return load


def _read_controllers(top: Fields) -> ControllerCell:
    section = top.section("controllers", optional=True)
    optional = ("external_wrench", "controller", "error_recovery", "gripper")
    readers: dict[str, Callable[[str], Any]] = {
        known.name: lambda key: section.text(key, empty=key in optional)
        for known in fields(ControllerCell)
    }
    readers["replaces"] = section.names
    return ControllerCell(**_read_given(section, readers))


def _read_bounds(top: Fields) -> dict[str, tuple[float, float]]:
    section = top.section("bounds", optional=True)
    bounds = {
        axis: section.interval(axis, -3.0, 3.0) for axis in ("x", "y", "z") if section.has(axis)
    }
    section.end()
    return bounds


def _read_cameras(top: Fields) -> dict[str, CameraCell]:
    section = top.section("cameras", optional=True)
    cameras: dict[str, CameraCell] = {}
    for name in section.names_of_keys():
        one = section.section(name)
        cameras[name] = CameraCell(
            serial=one.text("serial", empty=True) if one.has("serial") else "",
            crop=_read_crop(one.section("crop")) if one.has("crop") else None,
            exposure=_read_setting(one, "exposure", 1_000_000.0),
            gain=_read_setting(one, "gain", 1000.0),
            white_balance=_read_setting(one, "white_balance", 20_000.0),
        )
        one.end()
    section.end()
    return cameras


def _read_crop(section: Fields) -> Crop:
    crop = Crop(*(section.integer(key, 0, 8192) for key in ("x", "y", "width", "height")))
    if min(crop.width, crop.height) < 8:
        raise section.refuse("width", crop.width, "8 pixels or more, and height likewise")
    section.end()
    return crop


def _read_setting(section: Fields, key: str, high: float) -> float | None:
    if not section.has(key) or section.is_word(key, AUTO):
        return None
    return section.number(key, 0.0, high)
