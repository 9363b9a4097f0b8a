// Group streams of the official JavaScript client, over JSON and over protobuf, against the emulator and with `wps` on the
// other side, which speaks the other of the two:
// node streams.mjs PATH/TO/wps
import { strict as assert } from "node:assert";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { Inbox, checks, emulator, records, soon } from "./harness.mjs";
import { names, protocol } from "./protobuf-protocol.mjs";

const binary = process.argv[2];
const service = await emulator(binary);
const server = new WebPubSubServiceClient(service.connectionString, "hub1", { allowInsecureConnection: true });
const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
const place = ["--connection-string", service.connectionString, "--hub", "hub1", "--user", "wps", "-o", "ndjson"];
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** A started client in a group, with what its streams bring: `{ id, parts, error }` when one has ended. */
async function client(group, options) {
  const credential = { getClientAccessUrl: async () => (await server.getClientAccessToken({ roles, userId: "js" })).url };
  const made = new WebPubSubClient(credential, { reconnectRetryOptions: { maxRetries: 10, retryDelayInMs: 50 }, ...options });
  const streams = new Inbox();
  const connected = new Promise((resolve) => made.on("connected", resolve));
  made.onGroupStream(async (stream) => {
    const parts = [];
    try {
      for await (const message of stream) parts.push(message.data);
      streams.put({ id: stream.streamId, parts });
    } catch (error) {
      streams.put({ id: stream.streamId, parts, error });
    }
  }, { groupNames: [group] });
  await soon(made.start(), "start()");
  const { connectionId } = await soon(connected, "`connected`");
  await made.joinGroup(group);
  return { made, connectionId, ended: (id) => streams.next((it) => id === undefined || it.id === id, "the end of a stream") };
}

/** A fault that acts once in this check; `fired` tells how often it has. */
async function fault(text) {
  const { id } = await service.control("POST", "faults", { fault: text });
  return async () => {
    const { fired } = (await service.control("GET", "faults")).faults.find((it) => it.id === id);
    await service.control("DELETE", `faults/${id}`);
    return fired;
  };
}

const binaries = [Uint8Array.of(0, 255).buffer, Uint8Array.of(1).buffer];
const kinds = [["text", ["a", "b\n", "ü"]], ["json", [1, { x: [2] }, "s"]], ["binary", binaries]];
/** As records have it. */
const recorded = (data) => (data instanceof ArrayBuffer ? Buffer.from(data).toString("base64") : data);

const all = (group, options, theirs) => ({
  "text, json and binary arrive in order": async () => {
    const it = await client(group("kinds"), options);
    for (const [type, parts] of kinds) {
      const writer = await soon(it.made.openGroupStream(group("kinds")), "openGroupStream()");
      for (const part of parts) await writer.write(part, type);
      await soon(writer.end(), "end()");
      const { parts: got, error } = await it.ended(writer.streamId);
      assert.equal(error, undefined);
      assert.deepEqual(got, parts, type);
    }
    it.made.stop();
  },

  "parallel streams keep apart": async () => {
    const it = await client(group("parallel"), options);
    const writers = await Promise.all([0, 1, 2].map(() => it.made.openGroupStream(group("parallel"))));
    for (let number = 0; number < 50; number += 1) for (const [at, writer] of writers.entries()) await writer.write(`${at}:${number};`, "text");
    await Promise.all(writers.map((writer) => writer.end()));
    for (const [at, writer] of writers.entries()) {
      const { parts } = await it.ended(writer.streamId);
      assert.deepEqual(parts, Array.from({ length: 50 }, (_, number) => `${at}:${number};`));
    }
    it.made.stop();
  },

  "an end with an error fails at the reader": async () => {
    const it = await client(group("failing"), options);
    const writer = await it.made.openGroupStream(group("failing"));
    await writer.write("so far", "text");
    await writer.abort({ message: "no more", userErrorCode: "E7" });
    const { parts, error } = await it.ended(writer.streamId);
    assert.deepEqual(parts, ["so far"]);
    assert.match(`${error?.message} ${JSON.stringify(error)}`, /no more/);
    it.made.stop();
  },

  "a stream goes on after a drop": async () => {
    const it = await client(group("dropped"), options);
    const writer = await it.made.openGroupStream(group("dropped"));
    const parts = Array.from({ length: 30 }, (_, number) => `${number};`);
    let fired;
    for (const [at, part] of parts.entries()) {
      if (at === 10) fired = await fault("execute-then-drop=eof,op=streamData,times=1");
      await writer.write(part, "text");
      await pause(30);
    }
    await writer.end();
    const { parts: got, error } = await it.ended(writer.streamId);
    assert.equal(error, undefined);
    assert.deepEqual(got, parts);
    assert.equal(await fired(), 1);
    it.made.stop();
  },

  "wps reads every kind that it writes, streams side by side, and why one has failed": async () => {
    const name = group("to-wps");
    const it = await client(name, options);
    const listener = records(binary, ["listen", "-g", name, ...theirs, ...place]);
    await listener.type("joined");
    const writers = await Promise.all(kinds.map(() => it.made.openGroupStream(name)));
    for (let at = 0; at < 3; at += 1) for (const [which, [type, parts]] of kinds.entries()) if (at in parts) await writers[which].write(parts[at], type);
    await writers[0].end();
    await writers[1].abort({ message: "no more", userErrorCode: "E7" });
    await writers[2].end();
    for (const [which, [type, parts]] of kinds.entries()) {
      const next = () => listener.type("group-message", ({ stream }) => stream.streamId === writers[which].streamId);
      for (const [at, part] of parts.entries()) {
        const { dataType, data, stream } = await next();
        assert.deepEqual([dataType, data, stream.streamSequenceId], [type, recorded(part), at + 1]);
      }
      const { stream } = await next();
      assert.deepEqual([stream.streamSequenceId, stream.endOfStream], [parts.length + 1, true]);
      assert.deepEqual(stream.error, which === 1 ? { name: "UserError", message: "no more", userErrorCode: "E7" } : undefined);
    }
    listener.child.kill("SIGTERM");
    await soon(listener.ended, "the end of `wps listen`");
    it.made.stop();
  },

  "it reads every kind that wps writes, streams side by side, and why one has failed": async () => {
    const name = group("of-wps");
    const it = await client(name, options);
    const runs = kinds.map(([type, parts]) => {
      const lines = parts.map((part) => JSON.stringify({ dataType: type, data: recorded(part) })).join("\n");
      const more = type === "json" ? ["--end-error", "E7:no more"] : [];
      return [records(binary, ["stream", name, "--ndjson", "--stream-id", `${name}-${type}`, ...more, ...theirs, ...place], lines), type, parts];
    });
    for (const [run, type, parts] of runs) {
      assert.equal(await soon(run.ended, "the end of `wps stream`"), 0);
      const { parts: got, error } = await it.ended(`${name}-${type}`);
      assert.deepEqual(got, parts);
      if (type === "json") assert.match(`${error?.message} ${JSON.stringify(error)}`, /no more/);
      else assert.equal(error, undefined);
    }
    it.made.stop();
  },

  "drops in the middle of a stream, of its writer and its reader, lose nothing between it and wps": async () => {
    const name = group("cut");
    const it = await client(name, options);
    const listener = records(binary, ["listen", "-g", name, ...theirs, ...place]);
    await listener.type("joined");
    const wpsId = (await listener.type("connected")).connectionId;
    const parts = Array.from({ length: 40 }, (_, number) => `${number};`);
    const writer = await it.made.openGroupStream(name);
    const run = records(binary, ["stream", name, "--lines", "--stream-id", name, ...theirs, ...place], null);
    const fired = [];
    for (const [at, part] of parts.entries()) {
      if (at === 10) fired.push(await fault("execute-then-drop=reset,op=streamData,user=js,times=1"));
      if (at === 15) fired.push(await fault("drop=eof,op=streamData,user=wps,times=1"));
      if (at === 20) await service.control("POST", `connections/${wpsId}/drop`, { how: "reset" });
      if (at === 25) await service.control("POST", `connections/${it.connectionId}/drop`, { how: "eof" });
      await writer.write(part, "text");
      run.child.stdin.write(`${part}\n`);
      await pause(30);
    }
    await soon(writer.end(), "end()");
    run.child.stdin.end();
    assert.equal(await soon(run.ended, "the end of `wps stream`"), 0);
    for (const number of parts.keys()) {
      const { data, stream } = await listener.type("group-message", ({ stream }) => stream.streamId === writer.streamId);
      assert.deepEqual([data, stream.streamSequenceId], [parts[number], number + 1]);
    }
    const { parts: got, error } = await it.ended(name);
    assert.equal(error, undefined);
    assert.deepEqual(got, parts.map((part) => `${part}\n`));
    for (const count of fired) assert.equal(await count(), 1);
    listener.child.kill("SIGTERM");
    await soon(listener.ended, "the end of `wps listen`");
    it.made.stop();
  },
});

const families = [
  ["json", {}, "protobuf-reliable"],
  ["protobuf", { protocol: protocol(names.reliable, true) }, "json-reliable"],
];
let failed = 0;
for (const [family, options, theirs] of families) {
  failed += await checks(`@azure/web-pubsub-client streams over ${family}`, all((name) => `${family}-${name}`, options, ["--protocol", theirs]));
}
await service.stop();
process.exit(failed ? 1 : 0);
