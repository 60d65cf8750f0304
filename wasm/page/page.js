// The page: it asks the model for one token at a time, and leaves the browser time to draw between them.

import init, { Story } from "./trine_wasm.js";

const at = (id) => document.getElementById(id);
const [form, tell, stop, speed, story, problem] = ["form", "tell", "stop", "speed", "story", "problem"].map(at);

/** An element with a text and attributes. */
function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

/** A row of a table: a heading for the first cell, and cells. */
function row(first, cells) {
  const made = document.createElement("tr");
  made.append(element("th", first, { scope: "row" }), ...cells);
  return made;
}

/** The line above a table. */
function heading(names, numbers = []) {
  const made = document.createElement("tr");
  made.append(...names.map((name, index) => {
    const attributes = numbers.includes(index) ? { scope: "col", class: "number" } : { scope: "col" };
    return element("th", name, attributes);
  }));
  return made;
}

function showTensors(tensors) {
  const rows = tensors.map(({ name, role, axes, type, bytes }) => row(name, [
    element("td", role ?? ""),
    element("td", axes.map(({ name, length }) => `${name} ${length}`).join(" × ")),
    element("td", type),
    element("td", bytes.toLocaleString("en"), { class: "number" }),
  ]));
  at("tensors").replaceChildren(heading(["tensor", "role", "axes", "type", "bytes"], [4]), ...rows);
}

/** The parts as rows, the blocks as columns. Cells are the darker the larger their number is. */
function showTrace(values) {
  const blocks = [...new Set(values.map(({ block }) => block))].filter((block) => block !== null);
  const parts = [...new Set(values.map(({ part }) => part))];
  const logs = values.map(({ rms }) => Math.log(rms)).filter(Number.isFinite);
  const [least, most] = [Math.min(...logs), Math.max(...logs)];
  const cell = (part, block) => {
    const found = values.find((value) => value.part === part && value.block === block);
    if (!found) return element("td", "");
    const share = most > least ? (Math.log(found.rms) - least) / (most - least) : 0;
    // No darker than black numbers can be read on.
    const style = `background: hsl(220 60% ${94 - 34 * share}%); color: #000`;
    return element("td", found.rms.toPrecision(3), { style });
  };
  const columns = [...blocks, null];
  const names = blocks.map((block) => `block ${block}`);
  const rows = parts.map((part) => row(part, columns.map((block) => cell(part, block))));
  const all = columns.map((_, index) => index + 1);
  at("trace").replaceChildren(heading(["part", ...names, "outside of blocks"], all), ...rows);
}

let model;
let stopped = false;

/** Lets the browser draw and hear clicks. */
const pause = () => new Promise((resume) => setTimeout(resume));

async function run() {
  const prompt = at("prompt").value;
  [problem.textContent, stopped, tell.disabled, stop.disabled] = ["", false, true, false];
  try {
    showTrace(JSON.parse(model.trace(prompt)));
    model.begin(prompt, at("temperature").valueAsNumber, at("seed").valueAsNumber);
    story.textContent = prompt;
    const started = performance.now();
    let tokens = 0;
    for (let text; !stopped && (text = model.step()) !== undefined; tokens += 1) {
      story.append(text);
      // Some tokens for each picture.
      if (tokens % 4 === 3) await pause();
    }
    const seconds = (performance.now() - started) / 1000;
    speed.textContent = `${tokens} tokens, ${(tokens / seconds).toFixed(0)} a second`;
  } catch (error) {
    problem.textContent = error.message;
  }
  [tell.disabled, stop.disabled] = [false, true];
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
stop.addEventListener("click", () => {
  stopped = true;
});

try {
  await init();
  model = new Story();
  showTensors(JSON.parse(model.tensors()));
  speed.textContent = "Ready";
  tell.disabled = false;
} catch (error) {
  problem.textContent = `The model does not load: ${error.message}`;
  speed.textContent = "";
}
