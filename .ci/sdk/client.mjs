// The official JavaScript client against the emulator, as processes of their own: node client.mjs PATH/TO/wps
import { strict as assert } from "node:assert";
import { WebPubSubClient, SendMessageError } from "@azure/web-pubsub-client";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { Inbox, checks, emulator, records, soon } from "./harness.mjs";

const binary = process.argv[2];
const service = await emulator(binary);
const server = new WebPubSubServiceClient(service.connectionString, "hub1", { allowInsecureConnection: true });
const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
const fast = { messageRetryOptions: { maxRetries: 3, retryDelayInMs: 50 }, reconnectRetryOptions: { maxRetries: 10, retryDelayInMs: 50 } };

/** A started client, its events in inboxes. */
async function client(options = {}, userId = undefined) {
  const credential = { getClientAccessUrl: async () => (await server.getClientAccessToken({ roles, userId })).url };
  const made = new WebPubSubClient(credential, { ...fast, ...options });
  const inboxes = {};
  for (const event of ["connected", "disconnected", "stopped", "server-message", "group-message", "rejoin-group-failed"]) {
    inboxes[event] = new Inbox();
    made.on(event, (args) => inboxes[event].put(args));
  }
  await soon(made.start(), "start()");
  const { connectionId } = await inboxes.connected.next(() => true, "`connected`");
  const message = async () => (await inboxes["group-message"].next(() => true, "a group message")).message;
  return { made, inboxes, connectionId, message };
}

async function stop({ made, inboxes }) {
  made.stop();
  await inboxes.stopped.next(() => true, "`stopped`");
}

/** Sends `count` numbers to a group with `wps`, and gives its exit code. */
async function publish(group, from, count) {
  const lines = Array.from({ length: count }, (_, index) => from + index).join("\n");
  const run = records(binary, ["send", group, "--lines", "-o", "ndjson", "--connection-string", service.connectionString, "--hub", "hub1"], lines);
  assert.equal(await soon(run.ended, "the end of `wps send`"), 0);
}

/** The numbers that a client gets, `count` of them. */
async function numbers(it, count) {
  const got = [];
  while (got.length < count) got.push(Number((await it.message()).data));
  return got;
}

const range = (from, count) => Array.from({ length: count }, (_, index) => from + index);

const failed = await checks("@azure/web-pubsub-client", {
  "joins, sends and gets every data type, leaves": async () => {
    const it = await client({}, "alice");
    await it.made.joinGroup("g1");
    const bytes = new Uint8Array([0, 1, 254, 255]).buffer;
    const sent = [["text", "text", "héllo \u{1F600}"], ["json", "json", { a: [1, null, "x"] }], ["binary", "binary", bytes], ["protobuf", "protobuf", bytes]];
    for (const [, type, content] of sent) await it.made.sendToGroup("g1", content, type);
    for (const [, type, content] of sent) {
      const message = await it.message();
      assert.equal(message.dataType, type);
      assert.equal(message.fromUserId, "alice");
      assert.equal(message.group, "g1");
      if (content instanceof ArrayBuffer) assert.deepEqual(new Uint8Array(message.data), new Uint8Array(content));
      else assert.deepEqual(message.data, content);
    }
    await it.made.sendToGroup("g1", "not for me", "text", { noEcho: true });
    await it.made.leaveGroup("g1");
    await it.made.sendToGroup("g1", "nobody there", "text");
    await it.made.joinGroup("g1");
    await it.made.sendToGroup("g1", "the next", "text", { fireAndForget: true });
    assert.equal((await it.message()).data, "the next");
    await stop(it);
  },

  "talks with `wps` both ways": async () => {
    const it = await client({}, "bob");
    await it.made.joinGroup("both");
    const source = ["--connection-string", service.connectionString, "--hub", "hub1"];
    const wps = records(binary, ["listen", "-g", "both", "-o", "ndjson", "--count", "2", ...source]);
    await wps.type("joined");
    await it.made.sendToGroup("both", { n: 1 }, "json");
    const seen = await wps.type("group-message");
    assert.deepEqual([seen.data, seen.fromUserId], [{ n: 1 }, "bob"]);
    assert.deepEqual((await it.message()).data, { n: 1 });
    await publish("both", 5, 1);
    assert.equal((await it.message()).data, "5");
    assert.equal(await soon(wps.ended, "the end of `wps listen`"), 0);
    await stop(it);
  },

  "events are answered": async () => {
    const it = await client();
    const bytes = new Uint8Array([7, 8]).buffer;
    for (const [type, content] of [["text", "hi"], ["json", { b: 2 }], ["binary", bytes]]) {
      await it.made.sendEvent("echo", content, type);
      const { message } = await it.inboxes["server-message"].next(() => true, "a server message");
      assert.equal(message.dataType, type);
      if (content instanceof ArrayBuffer) assert.deepEqual(new Uint8Array(message.data), new Uint8Array(content));
      else assert.deepEqual(message.data, content);
    }
    await stop(it);
  },

  "recovers after drops, with nothing lost and in order": async () => {
    const it = await client();
    await it.made.joinGroup("drops");
    for (const [index, how] of ["reset", "eof", 1001].entries()) {
      const from = index * 250;
      await publish("drops", from, 50);
      assert.deepEqual(await numbers(it, 50), range(from, 50));
      const sending = publish("drops", from + 50, 200);
      await service.control("POST", `connections/${it.connectionId}/drop`, { how });
      await sending;
      assert.deepEqual(await numbers(it, 200), range(from + 50, 200));
    }
    assert.equal(it.inboxes.disconnected.rest.length, 0, "a recovered connection is not disconnected");
    assert.equal(it.inboxes.connected.rest.length, 0, "a recovered connection is no new one");
    // So that there is a socket again: the library hangs when it is stopped meanwhile.
    await publish("drops", 750, 1);
    assert.deepEqual(await numbers(it, 1), [750]);
    await stop(it);
  },

  "after 1008 it connects anew and joins again": async () => {
    const it = await client();
    await it.made.joinGroup("again");
    await service.control("POST", `connections/${it.connectionId}/drop`, { how: 1008 });
    await it.inboxes.disconnected.next(() => true, "`disconnected`");
    const anew = await it.inboxes.connected.next(() => true, "`connected` again");
    assert.notEqual(anew.connectionId, it.connectionId);
    // It does not tell when it has joined: what is sent until then is not for it.
    for (let number = 0; ; number += 1) {
      await publish("again", number, 1);
      const got = await it.inboxes["group-message"].next(() => true, "a message", 200).catch(() => undefined);
      if (got) break;
      assert.ok(number < 100, "it never joined again");
    }
    await stop(it);
  },

  "the same ackId again is a duplicate, and succeeds": async () => {
    const it = await client();
    await it.made.joinGroup("dup");
    const first = await it.made.sendToGroup("dup", "once", "text", { ackId: 77 });
    const second = await it.made.sendToGroup("dup", "once", "text", { ackId: 77 });
    assert.deepEqual([first.isDuplicated, second.isDuplicated], [false, true]);
    await it.made.sendToGroup("dup", "end", "text");
    assert.deepEqual([(await it.message()).data, (await it.message()).data], ["once", "end"]);
    await stop(it);
  },

  "a refusal names itself": async () => {
    const { url } = await server.getClientAccessToken({});
    const made = new WebPubSubClient(url, fast);
    await made.start();
    await assert.rejects(made.joinGroup("g"), (error) => error instanceof SendMessageError && error.errorDetail?.name === "Forbidden");
    const stopped = new Promise((resolve) => made.on("stopped", resolve));
    made.stop();
    await soon(stopped, "`stopped`");
  },

  "stays connected over thirty keep-alive intervals without a message": async () => {
    const it = await client({ keepAliveIntervalInMs: 200, keepAliveTimeoutInMs: 1000 });
    await it.made.joinGroup("idle");
    // An idle minute at the shortened interval: it would have timed out six times over without pongs.
    await assert.rejects(it.inboxes.disconnected.next(() => true, "", 6000), /not in time/);
    await publish("idle", 1, 1);
    assert.equal((await it.message()).data, "1");
    await stop(it);
  },
});
await service.stop();
process.exit(failed ? 1 : 0);
