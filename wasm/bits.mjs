// Compares the logits that the embedded model has in WebAssembly with those of the `trine` command, bit by bit, and a
// story drawn with a seed: node bits.mjs FOLDER TRINE

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, trine] = process.argv.slice(2).map((path) => resolve(path));
const { initSync, Story } = await import(pathToFileURL(join(folder, "trine_wasm.js")));
initSync({ module: readFileSync(join(folder, "trine_wasm_bg.wasm")) });
const story = new Story();
const command = (...args) => execFileSync(trine, args, { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });

function check(holds, what) {
  if (!holds) {
    console.error(`WRONG: ${what}`);
    process.exit(1);
  }
}

const ids = Array.from({ length: 150 }, (_, at) => 3 + ((at * 37) % 250));
const expected = command("logits", "--ids", ids.join(","));
const vocabulary = expected.length / 4 / ids.length;
for (const count of [1, 2, 19, 150]) {
  const logits = story.logits(Uint32Array.from(ids.slice(0, count)));
  const native = expected.subarray((count - 1) * vocabulary * 4, count * vocabulary * 4);
  check(logits.length === vocabulary, `${logits.length} logits, expected ${vocabulary}`);
  check(Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).equals(native), `logits of ${count} tokens`);
}

const prompt = "Once upon a time";
for (const [temperature, seed] of [[0, 0], [0.8, 7]]) {
  story.begin(prompt, temperature, seed);
  let text = prompt;
  for (let piece; (piece = story.step()) !== undefined; ) text += piece;
  const told = command("run", "-p", prompt, "--temperature", `${temperature}`, "--seed", `${seed}`, "--kv", "f32");
  check(`${text}\n` === told.toString(), `the story with temperature ${temperature}: ${text}`);
}

const tensors = JSON.parse(story.tensors());
check(tensors.some(({ axes }) => axes.length === 2 && axes[0].name !== axes[1].name), "axes of tensors");
const parts = JSON.parse(story.trace(prompt));
check(parts.length > 40 && parts.every(({ rms, largest }) => largest >= rms && rms > 0), "a trace");
const long = "a ".repeat(1000);
const refused = [() => story.begin(long, 0, 0), () => story.trace(long), () => story.begin(prompt, -1, 0)];
refused.push(() => story.logits(Uint32Array.of(1 << 30)), () => story.logits(new Uint32Array()));
for (const wrong of refused) {
  let error;
  try {
    wrong();
  } catch (caught) {
    error = caught;
  }
  check(error instanceof Error && error.message.length > 10, `refused with a reason: ${error}`);
}
console.log(`logits of ${ids.length} tokens and two stories have the bits of ${trine}`);
