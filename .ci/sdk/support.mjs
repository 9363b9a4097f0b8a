// What the scripts beside this one share: an emulator, observers, and waiting with a deadline.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { WebPubSubClient } from "@azure/web-pubsub-client";

const DEADLINE_MS = 20_000;

export function fail(message) {
  throw new Error(message);
}

// A promise that fails, naming what was waited for, when it takes too long.
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${DEADLINE_MS / 1000} s: ${what}`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Things that come, in their order, to be taken one by one.
export class Inbox {
  #items = [];
  #waiting = [];

  put(item) {
    const taker = this.#waiting.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  next(what) {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return within(new Promise((resolve) => this.#waiting.push(resolve)), what);
  }
}

const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

// `wps` with records on stdout, as an inbox.
export function wps(binary, args) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  const records = new Inbox();
  createInterface({ input: child.stdout }).on("line", (line) => records.put(JSON.parse(line)));
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      children.delete(child);
      resolve(signal ?? code);
    });
  });
  return {
    records,
    ended,
    async stop() {
      child.kill("SIGTERM");
      await within(ended, `the end of wps ${args[0]}`);
    },
  };
}

// An emulator on a port of its own: its ready record and a way to stop it.
export async function emulator(binary, ...args) {
  const running = wps(binary, ["emulator", "--port", "0", "-o", "ndjson", ...args]);
  const ready = await running.records.next("the emulator's ready record");
  if (ready.type !== "listening") fail(`not a ready record: ${JSON.stringify(ready)}`);
  return { ...running, ...ready };
}

// A client of the official library whose messages and end are taken one by one.
export async function observer(service, user, { roles = [], groups = [] } = {}) {
  const { url } = await service.getClientAccessToken({ userId: user, roles, groups });
  const client = new WebPubSubClient(url, { autoReconnect: false, messageRetryOptions: { maxRetries: 0 } });
  const inbox = new Inbox();
  const text = (message) => ({
    kind: message.kind === "groupData" ? `group ${message.group}` : "server",
    from: message.fromUserId ?? null,
    type: message.dataType,
    data: message.data instanceof ArrayBuffer ? [...new Uint8Array(message.data)] : message.data,
  });
  client.on("group-message", ({ message }) => inbox.put(text(message)));
  client.on("server-message", ({ message }) => inbox.put(text(message)));
  client.on("disconnected", ({ message }) => inbox.put({ kind: "disconnected", message: message?.message }));
  const connected = new Promise((resolve) => client.on("connected", resolve));
  await within(client.start(), `${user} to start`);
  const { connectionId } = await within(connected, `${user} to be connected`);
  return { client, connectionId, user, next: () => inbox.next(`a message for ${user}`), stop: () => client.stop() };
}
