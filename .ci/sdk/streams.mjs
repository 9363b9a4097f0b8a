// Group streams of the official JavaScript client, against the emulator and with `wps` on the other side:
// node streams.mjs PATH/TO/wps
import { strict as assert } from "node:assert";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { Inbox, checks, emulator, records, soon } from "./harness.mjs";

const binary = process.argv[2];
const service = await emulator(binary);
const server = new WebPubSubServiceClient(service.connectionString, "hub1", { allowInsecureConnection: true });
const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
const place = ["--connection-string", service.connectionString, "--hub", "hub1"];

/** A started client in a group, with what its streams bring: `{ id, parts, error }` when one has ended. */
async function client(group) {
  const credential = { getClientAccessUrl: async () => (await server.getClientAccessToken({ roles, userId: "js" })).url };
  const made = new WebPubSubClient(credential, { reconnectRetryOptions: { maxRetries: 10, retryDelayInMs: 50 } });
  const streams = new Inbox();
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
  await made.joinGroup(group);
  return { made, ended: (id) => streams.next((it) => id === undefined || it.id === id, "the end of a stream") };
}

const failed = await checks("@azure/web-pubsub-client streams", {
  "text, json and binary arrive in order": async () => {
    const it = await client("kinds");
    for (const [type, parts] of [["text", ["a", "b\n", "ü"]], ["json", [1, { x: [2] }, "s"]], ["binary", [Uint8Array.of(0, 255).buffer, Uint8Array.of(1).buffer]]]) {
      const writer = await soon(it.made.openGroupStream("kinds"), "openGroupStream()");
      for (const part of parts) await writer.write(part, type);
      await soon(writer.end(), "end()");
      const { parts: got, error } = await it.ended(writer.streamId);
      assert.equal(error, undefined);
      assert.deepEqual(got, parts, type);
    }
    it.made.stop();
  },

  "parallel streams keep apart": async () => {
    const it = await client("parallel");
    const writers = await Promise.all([0, 1, 2].map(() => it.made.openGroupStream("parallel")));
    for (let number = 0; number < 50; number += 1) for (const [at, writer] of writers.entries()) await writer.write(`${at}:${number};`, "text");
    await Promise.all(writers.map((writer) => writer.end()));
    for (const [at, writer] of writers.entries()) {
      const { parts } = await it.ended(writer.streamId);
      assert.deepEqual(parts, Array.from({ length: 50 }, (_, number) => `${at}:${number};`));
    }
    it.made.stop();
  },

  "an end with an error fails at the reader": async () => {
    const it = await client("failing");
    const writer = await it.made.openGroupStream("failing");
    await writer.write("so far", "text");
    await writer.abort({ message: "no more", userErrorCode: "E7" });
    const { parts, error } = await it.ended(writer.streamId);
    assert.deepEqual(parts, ["so far"]);
    assert.ok(error, "it ended well");
    it.made.stop();
  },

  "a stream goes on after a drop": async () => {
    const it = await client("dropped");
    const writer = await it.made.openGroupStream("dropped");
    const parts = Array.from({ length: 30 }, (_, number) => `${number};`);
    for (const [at, part] of parts.entries()) {
      if (at === 10) await service.control("POST", "faults", { fault: "execute-then-drop=eof,op=streamData,times=1" });
      await writer.write(part, "text");
      await new Promise((done) => setTimeout(done, 30));
    }
    await writer.end();
    const { parts: got, error } = await it.ended(writer.streamId);
    assert.equal(error, undefined);
    assert.deepEqual(got, parts);
    assert.equal((await service.control("GET", "faults")).faults[0].fired, 1);
    it.made.stop();
  },

  "wps reads what it writes, and it reads what wps writes": async () => {
    const it = await client("both");
    const listener = records(binary, ["listen", "-g", "both", "-o", "ndjson", "--streams", "whole", "--count", "2", ...place]);
    await listener.type("joined");
    const writer = await it.made.openGroupStream("both");
    for (const part of ["one ", "two ", "three"]) await writer.write(part, "text");
    await writer.end();
    const message = await listener.type("group-message");
    assert.equal(message.data, "one two three");
    const run = records(binary, ["stream", "both", "-o", "ndjson", "--stream-id", "of-wps", ...place], "from wps");
    assert.equal(await soon(run.ended, "the end of `wps stream`"), 0);
    const { parts, error } = await it.ended("of-wps");
    assert.equal(error, undefined);
    assert.equal(parts.join(""), "from wps");
    it.made.stop();
  },
});
await service.stop();
process.exit(failed ? 1 : 0);
