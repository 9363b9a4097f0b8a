// What the checks with the official SDKs share: an emulator of their own, waiting with a deadline, a summary.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Nothing here takes longer, whatever the machine. */
const PATIENCE = 20_000;

/** Fails with `what` when `promise` is not there in time. */
export function soon(promise, what, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not in time: ${what}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Things that come one by one, and waiting for those that match. */
export class Inbox {
  #kept = [];
  #waiting = [];

  put(item) {
    const at = this.#waiting.findIndex(({ matches }) => matches(item));
    if (at >= 0) this.#waiting.splice(at, 1)[0].resolve(item);
    else this.#kept.push(item);
  }

  /** The first item that matches; it is taken out. */
  next(matches = () => true, what = "an item", patience = PATIENCE) {
    const at = this.#kept.findIndex(matches);
    if (at >= 0) return Promise.resolve(this.#kept.splice(at, 1)[0]);
    return soon(new Promise((resolve) => this.#waiting.push({ matches, resolve })), what, patience);
  }

  /** All that was not taken. */
  get rest() {
    return this.#kept;
  }
}

/** A run of `wps` whose stdout is records. With `null` as input, its stdin is left open. */
export function records(binary, args, input = "") {
  const child = spawn(binary, args, { stdio: ["pipe", "pipe", "inherit"] });
  if (input !== null) child.stdin.end(input);
  const inbox = new Inbox();
  createInterface({ input: child.stdout }).on("line", (line) => inbox.put(JSON.parse(line)));
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
  const type = (name, also = () => true) => inbox.next((record) => record.type === name && also(record), `a record \`${name}\``);
  return { child, inbox, ended, type };
}

/** An emulator on a free port; `control` talks to its control endpoint. */
export async function emulator(binary, ...flags) {
  const run = records(binary, ["emulator", "--port", "0", "-o", "ndjson", ...flags]);
  const { endpoint, connectionString } = await run.type("listening");
  const control = async (method, path, body) => {
    const response = await fetch(`${endpoint}/emulator/${path}`, {
      method,
      headers: body ? { "content-type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const stop = async () => {
    run.child.kill("SIGTERM");
    await soon(run.ended, "the end of the emulator");
  };
  return { endpoint, connectionString, control, stop };
}

/** Runs checks one after the other and ends the process: 0 when all passed. */
export async function checks(title, all) {
  let failed = 0;
  for (const [name, check] of Object.entries(all)) {
    try {
      await soon(check(), "the end of the check", 4 * PATIENCE);
      console.log(`ok      ${title}: ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${title}: ${name}: ${error.stack}`);
    }
  }
  console.log(`${title}: ${Object.keys(all).length - failed} passed, ${failed} failed`);
  return failed;
}
