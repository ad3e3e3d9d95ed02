// The arm in three dimensions: the links of a URDF as lines, the window within which actions are clipped as a box.
import { sized } from "./charts.js";

export class Arm {
  constructor(canvas) {
    this.canvas = canvas;
    this.turn = 0.9;
    this.tilt = 0.35;
    this.joints = [];
    this.window = null;
    canvas.onpointermove = event => {
      if (!event.buttons) return;
      this.turn += event.movementX / 150;
      this.tilt = Math.max(-1.5, Math.min(1.5, this.tilt + event.movementY / 150));
      this.draw();
    };
  }

  // text: URDF
  describe(text) {
    const robot = new DOMParser().parseFromString(text, "text/xml");
    const numbers = (element, name, without) => (element?.getAttribute(name) || without).trim().split(/\s+/).map(Number);
    this.joints = [...robot.querySelectorAll("robot > joint")].map(joint => ({
      name: joint.getAttribute("name"),
      kind: joint.getAttribute("type"),
      parent: joint.querySelector("parent").getAttribute("link"),
      child: joint.querySelector("child").getAttribute("link"),
      origin: matrix(numbers(joint.querySelector("origin"), "xyz", "0 0 0"), numbers(joint.querySelector("origin"), "rpy", "0 0 0")),
      axis: numbers(joint.querySelector("axis"), "xyz", "1 0 0"),
    }));
    this.draw();
  }

  // content: {joints: {name: value}, tip: [x, y, z], window: {low: [...], high: [...]}}, in metres
  update(content) {
    this.angles = content.joints || this.angles || {};
    this.tip = content.tip || this.tip;
    this.window = content.window || this.window;
    this.draw();
  }

  draw() {
    const [context, width, height] = sized(this.canvas);
    const scale = Math.min(width, height) * 0.62;
    const project = ([x, y, z]) => {
      const a = Math.cos(this.turn) * (x - 0.3) - Math.sin(this.turn) * y, b = Math.sin(this.turn) * (x - 0.3) + Math.cos(this.turn) * y;
      return [width / 2 + a * scale, height * 0.78 - (z * Math.cos(this.tilt) - b * Math.sin(this.tilt)) * scale];
    };
    const line = (from, to, colour, wide = 1) => {
      context.strokeStyle = colour;
      context.lineWidth = wide;
      context.beginPath();
      context.moveTo(...project(from));
      context.lineTo(...project(to));
      context.stroke();
    };
    for (let at = -0.4; at <= 1.001; at += 0.2) {
      line([at, -0.6, 0], [at, 0.6, 0], "#e4e8ee");
      if (Math.abs(at) < 0.7) line([-0.4, at, 0], [1, at, 0], "#e4e8ee");
    }
    const places = new Map();
    const place = link => {
      if (places.has(link)) return places.get(link);
      const joint = this.joints.find(one => one.child === link);
      if (!joint) return identity();
      const value = (this.angles || {})[joint.name] || 0;
      const moved = joint.kind === "revolute" || joint.kind === "continuous" ? rotation(joint.axis, value)
        : joint.kind === "prismatic" ? matrix(joint.axis.map(part => part * value), [0, 0, 0]) : identity();
      const found = product(product(place(joint.parent), joint.origin), moved);
      places.set(link, found);
      return found;
    };
    let drawn = 0;
    for (const joint of this.joints) {
      if (joint.child.endsWith("_optical_frame")) continue;  // a camera's place, no part of the arm
      line(origin(place(joint.parent)), origin(place(joint.child)), "#39495f", 5);
      drawn += 1;
    }
    this.canvas.dataset.links = drawn;
    if (this.window?.low) this.box(line, this.window.low, this.window.high);
    if (this.tip) {
      context.fillStyle = "#c0392b";
      context.beginPath();
      context.arc(...project(this.tip), 5, 0, 7);
      context.fill();
    }
  }

  box(line, low, high) {
    const corner = number => [0, 1, 2].map(axis => number >> axis & 1 ? high[axis] : low[axis]);
    for (let one = 0; one < 8; one += 1)
      for (const bit of [1, 2, 4]) if (!(one & bit)) line(corner(one), corner(one | bit), "#2f8f4e", 2);
  }
}

const identity = () => [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
const origin = place => [place[3], place[7], place[11]];

function product(a, b) {
  const result = [];
  for (let row = 0; row < 3; row += 1)
    for (let column = 0; column < 4; column += 1)
      result.push(a[4 * row] * b[column] + a[4 * row + 1] * b[4 + column] + a[4 * row + 2] * b[8 + column] + (column === 3 ? a[4 * row + 3] : 0));
  return result;
}

function matrix([x, y, z], [roll, pitch, yaw]) {
  const [a, b, c] = [Math.cos(roll), Math.cos(pitch), Math.cos(yaw)], [d, e, f] = [Math.sin(roll), Math.sin(pitch), Math.sin(yaw)];
  return [c * b, c * e * d - f * a, c * e * a + f * d, x, f * b, f * e * d + c * a, f * e * a - c * d, y, -e, b * d, b * a, z];
}

function rotation(axis, angle) {
  const size = Math.hypot(...axis) || 1, [x, y, z] = axis.map(part => part / size), c = Math.cos(angle), s = Math.sin(angle), t = 1 - c;
  return [t * x * x + c, t * x * y - s * z, t * x * z + s * y, 0, t * x * y + s * z, t * y * y + c, t * y * z - s * x, 0,
    t * x * z - s * y, t * y * z + s * x, t * z * z + c, 0];
}
