// The page: a live cell over the socket, or a bag on the timeline. Nothing is loaded from elsewhere.
import { Arm } from "./arm.js";
import { bars, lines, number, stacked, table, text } from "./charts.js";
import { Socket } from "./socket.js";
import { Timeline, wrong } from "./timeline.js";

const $ = id => document.getElementById(id);
const LEVELS = ["good", "warn", "bad", "bad"], WORDS = ["OK", "WARN", "ERROR", "SILENT"];
const arm = new Arm($("arm"));
const timeline = new Timeline(showBagStep, words => { $("status").textContent = words; });
let socket = null, pictures = 0, actions = [], classes = {};

// What is known of a task names the parts of its action, and the rows of an observation.
function showTask(task) {
  actions = task?.actions ?? [];
  classes = task?.classes ?? {};
  $("grid").textContent = task?.cameras ? `a row for each of ${task.cameras.join(", ")}; time from left to right` : "time from left to right";
}

function showArm(content) {
  arm.update(content);
  $("tip").textContent = `${arm.tip ? `hand at ${arm.tip.map(value => value.toFixed(3)).join(", ")} m; ` : ""}drag to turn`;
}

function picture(parent, name, source) {
  let figure = [...parent.children].find(one => one.dataset.name === name);
  if (!figure) {
    figure = document.createElement("figure");
    figure.dataset.name = name;
    const image = document.createElement("img");
    image.alt = name;
    figure.append(image, text("figcaption", name));
    parent.append(figure);
  }
  figure.querySelector("img").src = source;
  document.body.dataset.pictures = pictures += 1;
}

function showStep(entry, words) {
  $("step").textContent = words;
  const terms = Object.entries(entry.terms || {});
  bars($("terms"), entry.reward === undefined ? terms : [...terms, ["reward", entry.reward]],
    Math.max(1, Math.abs(entry.reward || 0), ...terms.map(([, value]) => Math.abs(value))));
  bars($("action"), (entry.action || []).map((value, index) => [actions[index] ?? `action ${index}`, value, (entry.mean || [])[index]]), 1);
  $("wrong").textContent = wrong(entry).map(([, found]) => found).join("; ");
  showStates(entry.states || {}, entry.truth || {});
}

// What the reward was computed from, how sure its sensors are of it, and what a twin knows. Of any task.
function showStates(seen, truth) {
  const sure = name => seen[`${name}_probability`] ?? seen[`${name}_confidence`];
  const names = Object.keys(seen).filter(name => !/_(probability|confidence)$/.test(name) || !(name.replace(/_[a-z]+$/, "") in seen));
  const rows = [...names, ...Object.keys(truth).filter(name => !(name in seen))].map(name => {
    const differs = Number.isInteger(truth[name]) && Number.isInteger(seen[name]) && truth[name] !== seen[name];
    const share = sure(name);
    const shown = value => classes[name]?.[value] ?? number(value);
    return [[name, shown(seen[name]), share === undefined ? "" : `${(100 * share).toFixed(1)} %`, shown(truth[name])], differs ? "warn" : ""];
  });
  table($("states"), rows.length ? rows : [[["none"], "note"]], rows.length ? ["", "seen", "sure", "ground truth"] : []);
}

function showEpisode(episode, now) {
  const steps = episode.steps;
  const curve = name => steps.filter(entry => entry.terms && name in entry.terms).map(entry => [entry.step, entry.terms[name]]);
  const names = Object.keys(steps.findLast(entry => entry.terms)?.terms || {});
  const rewards = steps.filter(entry => entry.reward !== undefined).map(entry => [entry.step, entry.reward]);
  lines($("rewards"), { reward: rewards, ...Object.fromEntries(names.map(name => [name, curve(name)])) }, "step", { now });
  stacked($("experts"), steps.filter(entry => entry.experts).map(entry => [entry.step, entry.experts]), now);
  $("return").textContent = `${episode.purpose} ${number(episode.return)}${episode.success ? ", success" : ""}`;
}

function showNodes(nodes) {
  const hidden = ["state", "waiting for"];
  table($("nodes"), nodes.map(node => [[node.name, WORDS[node.level] || node.level, node.values["waiting for"] ?? "", node.message === "OK" ? "" : node.message,
    Object.entries(node.values).filter(([key]) => !hidden.includes(key)).map(([key, value]) => `${key} ${short(value)}`).join(", ")], LEVELS[node.level]]),
    ["node", "", "waits for", "message", "values"]);
}

function showHistory({ episodes, curves }) {
  const of = (purpose, field) => episodes.map((episode, index) => [index, episode])
    .filter(([, episode]) => episode.purpose === purpose).map(([index, episode]) => [index, Number(episode[field])]);
  lines($("returns"), { training: of("training", "return"), evaluation: of("evaluation", "return") }, "episode", { dots: true });
  const rate = points => points.map(([x], index) => {
    const last = points.slice(Math.max(0, index - 19), index + 1);
    return [x, last.reduce((sum, [, y]) => sum + y, 0) / last.length];
  });
  lines($("successes"), { training: rate(of("training", "success")), evaluation: rate(of("evaluation", "success")) }, "episode", { low: 0, high: 1 });
  $("success").textContent = "mean of up to 20 episodes";
  lines($("dormancy"), { dormant: curves.map(point => [point.step, point.dormant_ratio]),
    perturb: curves.map(point => [point.step, point["perturb/factor"] ?? point.perturb_factor]) }, "environment step", { low: 0, high: 1 });
}

const short = value => value !== "" && isFinite(value) ? number(Number(value)) : value;

function onState(state) {
  showTask(state.task);
  const episode = state.episode, last = episode.steps.at(-1) || {};
  const rewarded = episode.steps.findLast(entry => entry.reward !== undefined) || last;
  const acted = episode.steps.findLast(entry => entry.action) || last;
  showStep({ ...rewarded, action: acted.action, mean: acted.mean }, `${rewarded.step ?? ""} of episode ${episode.number}`);
  showEpisode(episode);
  showNodes(state.nodes);
  showArm(state.arm);
  const training = state.training;
  const fields = Object.entries({ ...training, ...training.further }).filter(([name]) => name !== "further");
  table($("training"), fields.length ? fields.map(([name, value]) => [[name.replaceAll("_", " "), number(value)]]) : [[["none"], "note"]]);
  $("dormant").textContent = number(training.dormant_ratio);
}

function showBagStep(episode, entry, detail) {
  showStep(entry, `${entry.step} of episode ${episode.episode}`);
  showEpisode(episode, entry.step);
  showNodes(detail.nodes);
  const stamps = detail.stamps?.length ? [`images of ${shortened(detail.stamps[0])} to ${shortened(detail.stamps.at(-1))} s`] : [];
  $("seen").textContent = detail.missing || [...stamps, ...detail.unreadable].join("; ");
  $("observation").hidden = !detail.observation;  // not that of another step
  if (detail.observation) { $("observation").src = detail.observation; document.body.dataset.pictures = pictures += 1; }
  for (const figure of [...$("cameras").children]) if (!(figure.dataset.name in detail.cameras)) figure.remove();
  for (const [name, source] of Object.entries(detail.cameras)) picture($("cameras"), name, source);
  showArm({ tip: entry.tip, joints: detail.joints, window: episode.window });
}

// A stamp of seconds and nanoseconds, to the millisecond.
const shortened = stamp => Number(stamp).toFixed(3);
const data = content => `data:image/jpeg;base64,${content.data}`;

function live() {
  timeline.close();
  document.body.dataset.mode = "live";
  $("about").textContent = "Training";
  $("observation").hidden = false;
  $("buttons").hidden = false;
  socket = new Socket({
    "/monitor/state": onState,
    "/monitor/history": showHistory,
    "/monitor/robot": content => arm.describe(content.urdf),
    "/monitor/observation": content => {
      $("observation").src = data(content);
      $("seen").textContent = content.frame_id;
      document.body.dataset.pictures = pictures += 1;
    },
    "/monitor/camera/": (content, topic) => picture($("cameras"), topic.split("/").at(-1), data(content)),
  }, words => { $("status").textContent = words; });
}

async function open(name) {
  socket?.close();
  socket = null;
  $("cameras").replaceChildren();
  if (!name) return live();
  document.body.dataset.mode = "bag";
  $("buttons").hidden = true;
  $("status").textContent = "opens the bag";
  const bag = await timeline.open(name, opened => showTask(opened.task));
  if (!bag) return undefined;
  $("status").textContent = `bag ${bag.path}: ${number(bag.seconds)} s, ${bag.episodes.length} episodes; commit ${(bag.origin.commit || "unknown").slice(0, 12)}`;
  $("about").textContent = "Messages in the bag";
  table($("training"), Object.entries(bag.topics).filter(([, count]) => count).map(([topic, count]) => [[topic, String(count)]]));
  $("dormant").textContent = "";
  showHistory({ episodes: bag.episodes, curves: bag.curves });
  if (bag.urdf) arm.describe(bag.urdf);
  return undefined;
}

for (const button of document.querySelectorAll("[data-service]")) {
  button.onclick = async () => {
    button.disabled = true;
    const answer = await socket.call(button.dataset.service);
    button.disabled = false;
    $("answer").className = answer.success ? "good" : "bad";
    $("answer").textContent = answer.message || (answer.success ? "done" : "refused");
  };
}

const { bags, folder, live: there } = await (await fetch("/bags")).json();
$("source").append(...(there ? [new Option("the live cell", "")] : []), ...bags.map(name => new Option(`bag ${name === "." ? folder : name}`, name)));
$("source").onchange = () => open($("source").value);
const asked = new URLSearchParams(location.search).get("bag");
if (asked) $("source").value = asked;
open(asked || (there ? "" : bags[0]));
