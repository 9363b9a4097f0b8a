// `wps` itself as the client, of what client.mjs asks of the official one, and of each method of the official server SDK
// that reaches a client: node wps.mjs PATH/TO/wps
import { strict as assert } from "node:assert";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { checks, emulator, records, soon } from "./harness.mjs";

const binary = process.argv[2];
const service = await emulator(binary);
const server = new WebPubSubServiceClient(service.connectionString, "hub1", { allowInsecureConnection: true });
const source = ["--connection-string", service.connectionString, "--hub", "hub1", "-o", "ndjson"];

/** A listener that is connected and has joined its groups. */
async function listener(groups, ...more) {
  const run = records(binary, ["listen", ...source, "--reconnect-delay", "50ms", ...groups.flatMap((group) => ["-g", group]), ...more]);
  const { connectionId } = await run.type("connected");
  for (const group of groups) await run.type("joined", (record) => record.group === group);
  const message = async () => (await run.type("group-message")).data;
  const said = async () => (await run.type("server-message")).data;
  const stop = async () => {
    run.child.kill("SIGTERM");
    assert.equal(await soon(run.ended, "the end of `wps listen`"), 143);
  };
  return { ...run, connectionId, message, said, stop };
}

/** The records of a `wps repl` that is given these lines. */
async function script(...lines) {
  const run = records(binary, ["repl", ...source], lines.map((line) => `${line}\n`).join(""));
  assert.equal(await soon(run.ended, "the end of `wps repl`"), 0);
  return run;
}

/** Sends `count` numbers to a group. */
async function publish(group, from, count) {
  const lines = Array.from({ length: count }, (_, index) => from + index).join("\n");
  assert.equal(await soon(records(binary, ["send", group, "--lines", ...source], lines).ended, "the end of `wps send`"), 0);
}

async function numbers(it, count) {
  const got = [];
  while (got.length < count) got.push(Number(await it.message()));
  return got;
}

const range = (from, count) => Array.from({ length: count }, (_, index) => from + index);

const failed = await checks("wps", {
  "joins, sends and gets every data type, leaves": async () => {
    const run = await script(
      "join g1",
      "send g1 héllo",
      'send -t json g1 {"a":[1,null,"x"]}',
      "send -t binary --encoding base64 g1 AAH+/w==",
      "send --no-echo g1 not for me",
      "leave g1",
      "send g1 nobody there",
      "join g1",
      "send g1 the last",
    );
    for (const [dataType, data] of [["text", "héllo"], ["json", { a: [1, null, "x"] }], ["binary", "AAH+/w=="], ["text", "the last"]]) {
      const message = await run.type("group-message");
      assert.deepEqual([message.dataType, message.data, message.group], [dataType, data, "g1"]);
    }
    await run.type("left");
  },

  "events are answered": async () => {
    for (const [dataType, data, given] of [["text", "hi", ["hi"]], ["json", { b: 2 }, ["-t", "json", '{"b":2}']], ["binary", "Bwg=", ["-t", "binary", "--encoding", "base64", "Bwg="]]]) {
      const run = records(binary, ["event", "echo", "--wait-reply", ...source, ...given]);
      const reply = await run.type("server-message");
      assert.deepEqual([reply.dataType, reply.data], [dataType, data]);
      assert.equal(await soon(run.ended, "the end of `wps event`"), 0);
    }
  },

  "recovers after drops, with nothing lost and in order": async () => {
    const it = await listener(["drops"]);
    for (const [index, how] of ["reset", "eof", 1001].entries()) {
      const from = index * 250;
      await publish("drops", from, 50);
      const sending = publish("drops", from + 50, 200);
      await service.control("POST", `connections/${it.connectionId}/drop`, { how });
      await sending;
      assert.deepEqual(await numbers(it, 250), range(from, 250));
      await it.type("recovered", (record) => record.connectionId === it.connectionId);
    }
    await it.stop();
  },

  "after 1008 it connects anew and joins again": async () => {
    const it = await listener(["again"]);
    await service.control("POST", `connections/${it.connectionId}/drop`, { how: 1008 });
    await it.type("session-lost");
    await it.type("disconnected");
    const anew = await it.type("connected");
    assert.notEqual(anew.connectionId, it.connectionId);
    await it.type("joined", (record) => record.rejoined);
    await publish("again", 1, 1);
    assert.deepEqual(await numbers(it, 1), [1]);
    await it.stop();
  },

  "the same ackId again is a duplicate, and succeeds": async () => {
    // It does not use an id twice of its own accord, but when the ack does not come.
    await service.control("POST", "faults", { fault: "swallow-ack,op=sendToGroup,group=dup,times=1" });
    const it = await listener(["dup"]);
    const run = records(binary, ["send", "dup", "once", "--ack-id", "77", "--ack-timeout", "2s", "--retry-delay", "20ms", ...source]);
    const { success, duplicate, ackId, attempts } = await run.type("ack");
    assert.deepEqual([success, duplicate, ackId, attempts], [true, true, 77, 2]);
    assert.equal(await soon(run.ended, "the end of `wps send`"), 0);
    await script("send dup end");
    assert.deepEqual([await it.message(), await it.message()], ["once", "end"]);
    await it.stop();
  },

  "stays connected over thirty keep-alive intervals without a message": async () => {
    const it = await listener(["idle"], "--ping-interval", "200ms", "--ping-timeout", "2s");
    await assert.rejects(it.inbox.next(({ type }) => type === "recovering" || type === "disconnected", "", 6000), /not in time/);
    await publish("idle", 1, 1);
    assert.deepEqual(await numbers(it, 1), [1]);
    await it.stop();
  },

  "gets what the server SDK sends, to all, a group, a user, a connection": async () => {
    const it = await listener([], "--user", "ann");
    const text = { contentType: "text/plain" };
    await server.sendToAll({ to: "all" });
    assert.deepEqual(await it.said(), { to: "all" });
    await server.sendToUser("ann", "to ann", text);
    assert.equal(await it.said(), "to ann");
    await server.sendToConnection(it.connectionId, "to the connection", text);
    assert.equal(await it.said(), "to the connection");
    const sent = async (group, data) => {
      await server.group(group).sendToAll(data, text);
      assert.equal(await it.message(), data);
    };
    const silent = (group) => server.group(group).sendToAll("not for ann", text);
    await server.group("r").addConnection(it.connectionId);
    await sent("r", "the connection was added");
    await server.group("r").removeConnection(it.connectionId);
    await silent("r");
    await server.group("r").addUser("ann");
    await sent("r", "the user was added");
    await server.group("r").removeUser("ann");
    await silent("r");
    await server.addConnectionsToGroups(["a", "b"], "userId eq 'ann'");
    await sent("b", "added by filter");
    await server.removeConnectionsFromGroups(["b"], "userId eq 'ann'");
    await silent("b");
    await sent("a", "still there");
    await server.removeUserFromAllGroups("ann");
    await silent("a");
    await server.group("a").addConnection(it.connectionId);
    await server.removeConnectionFromAllGroups(it.connectionId);
    await silent("a");
    await server.group("z").addUser("ann");
    await sent("z", "the end");
    assert.deepEqual(it.inbox.rest.filter(({ type }) => type.endsWith("-message")), []);
    await it.stop();
  },

  "may do what the server SDK permits, until it is revoked": async () => {
    const run = records(binary, ["repl", "--keep-going", "--role", "webpubsub.joinLeaveGroup", ...source], null);
    const { connectionId } = await run.type("connected");
    const send = async () => {
      run.child.stdin.write("send news hello\n");
      const { success, error } = await run.type("ack");
      return success || error.name;
    };
    const permission = [connectionId, "sendToGroup", { targetName: "news" }];
    assert.equal(await send(), "Forbidden");
    await server.grantPermission(...permission);
    assert.deepEqual([await send(), await server.hasPermission(...permission)], [true, true]);
    await server.revokePermission(...permission);
    assert.deepEqual([await send(), await server.hasPermission(...permission)], ["Forbidden", false]);
    run.child.stdin.end();
    assert.equal(await soon(run.ended, "the end of `wps repl`"), 8);
  },

  "is told by each of the server SDK's ways to close it": async () => {
    const ways = {
      "one connection": (it) => server.closeConnection(it.connectionId, { reason: "out" }),
      "a user's": () => server.closeUserConnections("cy", { reason: "out" }),
      "a group's": () => server.group("closing").closeAllConnections({ reason: "out" }),
      "all": () => server.closeAllConnections({ reason: "out" }),
    };
    for (const [name, close] of Object.entries(ways)) {
      const it = await listener(["closing"], "--user", "cy", "--no-reconnect");
      await close(it);
      const { message, closeCode } = await it.type("recovering");
      assert.deepEqual([message, closeCode], ["Application server closed the connection. Reason: out", 1000], name);
      await soon(it.ended, "the end of `wps listen`");
    }
  },
});
await service.stop();
process.exit(failed ? 1 : 0);
