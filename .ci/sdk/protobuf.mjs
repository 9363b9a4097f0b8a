// The official JavaScript client over protobuf, with a protocol object of its own, against the emulator and `wps`:
// node protobuf.mjs PATH/TO/wps. Streams and invocations over it are in streams.mjs and invoke.mjs.
import { strict as assert } from "node:assert";
import { WebPubSubClient, SendMessageError } from "@azure/web-pubsub-client";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { Inbox, checks, emulator, records, soon } from "./harness.mjs";
import { Any, buffer, names, protocol } from "./protobuf-protocol.mjs";

const binary = process.argv[2];
const service = await emulator(binary);
const server = new WebPubSubServiceClient(service.connectionString, "hub1", { allowInsecureConnection: true });
const source = ["--connection-string", service.connectionString, "--hub", "hub1"];

async function client(how = "reliable", roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"]) {
  const credential = { getClientAccessUrl: async () => (await server.getClientAccessToken({ roles, userId: "carol" })).url };
  const made = new WebPubSubClient(credential, {
    protocol: protocol(names[how], how === "reliable"),
    messageRetryOptions: { maxRetries: 3, retryDelayInMs: 50 },
    reconnectRetryOptions: { maxRetries: 10, retryDelayInMs: 50 },
  });
  const inboxes = {};
  for (const event of ["connected", "disconnected", "stopped", "server-message", "group-message"]) {
    inboxes[event] = new Inbox();
    made.on(event, (args) => inboxes[event].put(args));
  }
  await soon(made.start(), "start()");
  const { connectionId, userId } = await inboxes.connected.next(() => true, "`connected`");
  assert.equal(userId, "carol");
  const message = async (kind = "group-message") => (await inboxes[kind].next(() => true, `a ${kind}`)).message;
  return { made, inboxes, connectionId, message };
}

async function stop({ made, inboxes }) {
  made.stop();
  await inboxes.stopped.next(() => true, "`stopped`");
}

const any = buffer(Any.encode({ type_url: "t/X", value: new Uint8Array([8, 1]) }).finish());
const sent = [["text", "héllo \u{1F600}"], ["text", ""], ["json", { a: [1, null, "x"] }], ["binary", new Uint8Array([0, 255]).buffer], ["binary", new ArrayBuffer(0)], ["protobuf", any]];

function same(message, dataType, data) {
  assert.equal(message.dataType, dataType);
  if (data instanceof ArrayBuffer) assert.deepEqual(new Uint8Array(message.data), new Uint8Array(data));
  else assert.deepEqual(message.data, data);
}

const failed = await checks("@azure/web-pubsub-client over protobuf", {
  "joins, sends and gets every data type, empty ones too, leaves": async () => {
    for (const how of ["reliable", "plain"]) {
      const it = await client(how);
      await it.made.joinGroup("g1");
      for (const [type, content] of sent) await it.made.sendToGroup("g1", content, type);
      for (const [type, content] of sent) {
        same(await it.message(), type, content);
      }
      await it.made.sendToGroup("g1", "not for me", "text", { noEcho: true });
      await it.made.leaveGroup("g1");
      await it.made.sendToGroup("g1", "nobody there", "text");
      assert.equal(it.inboxes["group-message"].rest.length, 0);
      await stop(it);
    }
  },

  "events are answered, before their acks": async () => {
    const it = await client();
    // An empty text is no answer.
    for (const [type, content] of sent.filter(([type, content]) => type !== "text" || content)) {
      await it.made.sendEvent("echo", content, type);
      const { message } = it.inboxes["server-message"].rest.shift() ?? {};
      same(message, type, content);
    }
    await stop(it);
  },

  "talks with `wps` of either family, both ways": async () => {
    const it = await client();
    await it.made.joinGroup("both");
    for (const wpsProtocol of ["json-reliable", "protobuf-reliable", "protobuf"]) {
      const flags = ["--protocol", wpsProtocol, "-o", "ndjson", ...source];
      const wps = records(binary, ["listen", "-g", "both", "--count", "2", ...flags]);
      await wps.type("joined");
      await it.made.sendToGroup("both", { n: 1 }, "json");
      assert.deepEqual((await wps.type("group-message")).data, { n: 1 });
      same(await it.message(), "json", { n: 1 });
      const sending = records(binary, ["send", "both", "hi", ...flags]);
      assert.equal(await soon(sending.ended, "the end of `wps send`"), 0);
      same(await it.message(), "text", "hi");
      assert.equal(await soon(wps.ended, "the end of `wps listen`"), 0);
    }
    await stop(it);
  },

  "recovers after drops, with nothing lost and in order": async () => {
    const it = await client();
    await it.made.joinGroup("drops");
    let expected = 0;
    for (const how of ["reset", "eof", 1001]) {
      // So that there is a socket to be dropped.
      await it.made.sendToGroup("drops", String(expected), "text");
      assert.equal(Number((await it.message()).data), expected);
      expected += 1;
      const lines = Array.from({ length: 200 }, (_, index) => expected + index).join("\n");
      const sending = records(binary, ["send", "drops", "--lines", "-o", "ndjson", ...source], lines);
      await service.control("POST", `connections/${it.connectionId}/drop`, { how });
      assert.equal(await soon(sending.ended, "the end of `wps send`"), 0);
      for (const end = expected + 200; expected < end; expected += 1) assert.equal(Number((await it.message()).data), expected);
    }
    assert.equal(it.inboxes.disconnected.rest.length, 0, "a recovered connection is not disconnected");
    // So that there is a socket again: the library hangs when it is stopped meanwhile.
    assert.equal(await soon(records(binary, ["send", "drops", "end", "-o", "ndjson", ...source]).ended, "the end of `wps send`"), 0);
    same(await it.message(), "text", "end");
    await stop(it);
  },

  "a refusal names its reason": async () => {
    const it = await client("reliable", []);
    await assert.rejects(it.made.joinGroup("g1"), (error) => error instanceof SendMessageError && error.errorDetail.name === "Forbidden");
    await stop(it);
  },

  "REST reaches it": async () => {
    const it = await client();
    await server.sendToAll("text", { contentType: "text/plain" });
    same(await it.message("server-message"), "text", "text");
    await server.sendToConnection(it.connectionId, { a: 1 });
    same(await it.message("server-message"), "json", { a: 1 });
    await server.closeConnection(it.connectionId, { reason: "enough" });
    const { message } = await it.inboxes.disconnected.next(() => true, "`disconnected`");
    assert.match(message.message, /enough/);
    // It connects anew by itself; the library hangs when it is stopped meanwhile.
    await it.inboxes.connected.next(() => true, "`connected`");
    await stop(it);
  },
});

await service.stop();
process.exit(failed ? 1 : 0);
