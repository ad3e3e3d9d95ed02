// A bag on a timeline: every step of every episode, and a list of those that look wrong.
const $ = id => document.getElementById(id);

export class Timeline {
  // show: function(episode, entry, detail), drawn for the chosen step
  constructor(show, failed) {
    this.show = show;
    this.failed = failed;
    $("slider").oninput = () => this.go(Number($("slider").value));
    $("back").onclick = () => this.go(this.at - 1);
    $("on").onclick = () => this.go(this.at + 1);
    $("play").onclick = () => this.toggle();
    addEventListener("keydown", event => {
      if ($("timeline").hidden || event.target.tagName === "SELECT") return;
      if (event.key === "ArrowLeft") this.go(this.at - 1);
      if (event.key === "ArrowRight") this.go(this.at + 1);
    });
  }

  // opened: function(bag), called before the first step is shown
  async open(name, opened) {
    this.name = name;
    const answer = await fetch(`/bag?name=${encodeURIComponent(name)}`);
    if (!answer.ok) return this.failed(await answer.text());
    this.bag = await answer.json();
    this.steps = this.bag.episodes.flatMap((episode, position) => episode.steps.map(entry => ({ episode, position, entry })));
    opened(this.bag);
    $("timeline").hidden = false;
    $("slider").max = Math.max(0, this.steps.length - 1);
    this.marks();
    const wanted = new URLSearchParams(location.search).get("step");
    await this.go(wanted === null ? 0 : Number(wanted));
    return this.bag;
  }

  close() {
    $("timeline").hidden = true;
    clearInterval(this.playing);
    this.playing = null;
  }

  toggle() {
    if (this.playing) {
      clearInterval(this.playing);
      this.playing = null;
    } else {
      this.playing = setInterval(() => this.at + 1 < this.steps.length ? this.go(this.at + 1) : this.toggle(), 300);
    }
    $("play").textContent = this.playing ? "❚❚ Stop" : "▶ Play";
  }

  async go(index) {
    if (!this.steps.length) return;
    this.at = Math.max(0, Math.min(this.steps.length - 1, index));
    $("slider").value = this.at;
    const { episode, position, entry } = this.steps[this.at];
    $("place").textContent = `episode ${position} (number ${episode.episode}), step ${entry.step}; ${this.at + 1} of ${this.steps.length}`;
    const asked = this.at;
    const answer = await fetch(`/step?name=${encodeURIComponent(this.name)}&episode=${episode.episode}&step=${entry.step}`);
    const detail = answer.ok ? await answer.json() : { missing: await answer.text(), cameras: {}, nodes: [] };
    if (asked === this.at) this.show(episode, entry, detail);
  }

  marks() {
    const found = [];
    this.steps.forEach(({ position, entry }, index) => {
      for (const [kind, words] of wrong(entry)) {
        const before = found.find(mark => mark.last === index - 1 && mark.position === position && mark.words === words);
        if (before) Object.assign(before, { last: index, to: entry.step });  // one mark for a run of steps
        else found.push({ kind, index, last: index, position, from: entry.step, to: entry.step, words });
      }
    });
    $("marks").replaceChildren(...found.slice(0, 30).map(mark => {
      const button = document.createElement("button");
      button.className = mark.kind;
      const steps = mark.from === mark.to ? `step ${mark.from}` : `steps ${mark.from} to ${mark.to}`;
      button.textContent = `episode ${mark.position} ${steps}: ${mark.words}`;
      button.onclick = () => this.go(mark.index);
      return button;
    }));
    if (this.bag.unchecked) $("marks").append(this.bag.unchecked);
    else if (!found.length) $("marks").textContent = "No step was marked as not valid, cut off by a fault, or contradicted by the ground truth.";
    if (found.length > 30) $("marks").append(`and ${found.length - 30} more`);
  }
}

// What is wrong with a step, as far as its own messages tell.
export function wrong(entry) {
  const found = [];
  if (entry.invalid) found.push(["bad", `not valid: ${entry.invalid}`]);
  if (entry.motion && entry.motion.startsWith("failed")) found.push(["bad", entry.motion]);
  for (const one of entry.contradicted || []) found.push(["warn", one]);
  return found;
}
