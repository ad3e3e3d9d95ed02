// Curves, bars and tables.
const COLOURS = ["#2f6fbf", "#c0392b", "#2f8f4e", "#b9770e", "#7d4bb3", "#16808a"];

export function sized(canvas) {
  const scale = devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = canvas.clientHeight * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return [context, canvas.clientWidth, canvas.clientHeight];
}

// curves: {name: [[x, y], ...]}; along: what x is; now: an x to be marked; low, high: the least range of y
export function lines(canvas, curves, along, { low, high, now, dots } = {}) {
  const [context, width, height] = sized(canvas);
  const points = Object.values(curves).flat().filter(point => point[1] !== null && point[1] !== undefined);
  canvas.dataset.points = points.length;
  if (!points.length) return note(context, "none");
  const xs = points.map(point => point[0]), ys = points.map(point => point[1]);
  let [left, right] = [Math.min(...xs), Math.max(...xs)];
  let [bottom, top] = [Math.min(...ys, low ?? Infinity), Math.max(...ys, high ?? -Infinity)];
  if (left === right) right += 1;
  if (bottom === top) { bottom -= 1; top += 1; }
  context.font = "11px system-ui";
  const names = legend(context, Object.keys(curves).length > 1 ? Object.keys(curves) : [], width);
  const head = 10 + 14 * (names.at(-1)?.row + 1 || 0);
  const x = value => 40 + (value - left) / (right - left) * (width - 48);
  const y = value => height - 16 - (value - bottom) / (top - bottom) * (height - 16 - head);
  context.fillStyle = "#667";
  for (const value of [bottom, (bottom + top) / 2, top]) {
    context.fillText(number(value), 0, y(value) + 4);
    rule(context, 40, y(value), width - 8, y(value), "#e4e8ee");
  }
  context.fillText(number(left), 40, height - 2);
  context.textAlign = "right";
  context.fillText(number(right), width - 8, height - 2);
  context.textAlign = "center";
  context.fillText(along, 40 + (width - 48) / 2, height - 2);
  context.textAlign = "left";
  if (now !== undefined) rule(context, x(now), head, x(now), height - 16, "#888");
  Object.entries(curves).forEach(([name, curve], index) => {
    context.strokeStyle = context.fillStyle = COLOURS[index % COLOURS.length];
    context.beginPath();
    let drawing = false;
    for (const [a, b] of curve) {
      if (b === null || b === undefined) { drawing = false; continue; }
      if (dots || curve.length === 1) context.fillRect(x(a) - 1.5, y(b) - 1.5, 3, 3);
      else drawing ? context.lineTo(x(a), y(b)) : context.moveTo(x(a), y(b));
      drawing = true;
    }
    context.stroke();
    if (names[index]) context.fillText(name, names[index].left, 12 + 14 * names[index].row);
  });
}

// Return where each name of a legend stands, in as many rows as they need.
function legend(context, names, width) {
  let left = 40, row = 0;
  return names.map(name => {
    const wide = context.measureText(name).width + 12;
    if (left + wide > width && left > 40) [left, row] = [40, row + 1];
    left += wide;
    return { left: left - wide, row };
  });
}

// columns: one array of shares for each step
export function stacked(canvas, columns, now) {
  const [context, width, height] = sized(canvas);
  canvas.dataset.points = columns.length;
  if (!columns.length) return note(context, "no expert_usage: is it a mixture of experts?");
  const wide = (width - 10) / Math.max(columns.length, 10);
  columns.forEach(([step, shares], column) => {
    let y = height - 14;
    shares.forEach((share, index) => {
      const tall = share * (height - 20);
      context.fillStyle = `hsl(${index * 360 / shares.length} 60% ${index % 2 ? 45 : 60}%)`;
      context.fillRect(5 + column * wide, y - tall, Math.max(wide - 1, 1), tall);
      y -= tall;
    });
    if (step === now) rule(context, 5 + (column + .5) * wide, 2, 5 + (column + .5) * wide, height - 14, "#000");
  });
  context.fillStyle = "#667";
  context.font = "11px system-ui";
  context.fillText(`${columns[0][1].length} experts, a column for each step`, 5, height - 2);
}

// values: [[name, value, mark]]; limit: value of a full bar
export function bars(parent, values, limit) {
  parent.replaceChildren(...values.map(([name, value, mark]) => {
    const row = document.createElement("div"), bar = document.createElement("i"), fill = document.createElement("b");
    const share = Math.max(-1, Math.min(1, value / limit));
    fill.style.cssText = `left:${share < 0 ? 50 + 50 * share : 50}%;width:${50 * Math.abs(share)}%;` +
      `background:${value < 0 ? "var(--bad)" : "var(--good)"}`;
    bar.append(fill);
    if (mark !== undefined && mark !== null) {
      const line = document.createElement("u");
      line.style.left = `${50 + 50 * Math.max(-1, Math.min(1, mark / limit))}%`;
      line.title = `mean ${mark}`;
      bar.append(line);
    }
    row.append(text("span", name), bar, text("span", number(value)));
    return row;
  }));
}

// rows: [[cells, class], ...]; head: names of the columns
export function table(parent, rows, head = []) {
  const line = (kind, cells, style) => {
    const row = document.createElement("tr");
    row.className = style || "";
    row.append(...cells.map(cell => text(kind, cell)));
    return row;
  };
  parent.replaceChildren(...(head.length ? [line("th", head)] : []), ...rows.map(([cells, style]) => line("td", cells, style)));
}

export function text(kind, content) {
  const element = document.createElement(kind);
  element.textContent = content;
  return element;
}

export function number(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}

function rule(context, x1, y1, x2, y2, colour) {
  context.strokeStyle = colour;
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function note(context, words) {
  context.fillStyle = "#667";
  context.font = "13px system-ui";
  context.fillText(words, 8, 24);
}
