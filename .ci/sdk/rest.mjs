// Every method of the official server SDK against the emulator, each effect seen at a client.
import assert from "node:assert/strict";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { emulator, observer, wps } from "./support.mjs";

const binary = process.argv[2] ?? assert.fail("usage: node rest.mjs PATH-OF-WPS");
const HUB = "hub1";
// Names that paths have to encode.
const ALICE = "al/ice é?";
const ROOM = "room/1 ü%:send";

// Notes which methods were called, so that none is forgotten.
const called = new Map();
function noting(object, kind) {
  const names = called.get(kind) ?? called.set(kind, new Set()).get(kind);
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args) => {
        names.add(name);
        const result = value.apply(target, args);
        return name === "group" ? noting(result, "group") : result;
      };
    },
  });
}

const text = { contentType: "text/plain" };
const server = (data, type = "text") => ({ kind: "server", from: null, type, data });
const group = (name, data, type = "text", from = null) => ({ kind: `group ${name}`, from, type, data });

async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail(`not refused with ${status}`), (error) => error);
  // What is wrong with a filter comes as `application/problem+json`, which the SDK hands on as text.
  const told = error.code ?? JSON.parse(error.message).code;
  assert.deepEqual([error.statusCode, told], [status, code], error.message);
}

const running = await emulator(binary);
const sdk = new WebPubSubServiceClient(running.connectionString, HUB, { allowInsecureConnection: true });
const service = noting(sdk, "service");
const room = service.group(ROOM);
const alice = await observer(service, ALICE);
const bob = await observer(service, "bob", { roles: ["webpubsub.joinLeaveGroup"] });
// The same messages at another client: wps itself.
const listener = wps(binary, ["listen", "--connection-string", running.connectionString, "--hub", HUB, "--user", "wps", "-o", "ndjson"]);
const connected = await listener.records.next("wps to connect");
assert.equal(connected.type, "connected");
const heard = async () => {
  const { type, group: name, fromUserId, dataType, data } = await listener.records.next("a message for wps");
  return { type, group: name, fromUserId, dataType, data };
};

// What alone is expected comes next at each of them; what came instead is an error.
async function expect(message, ...observers) {
  for (const who of observers) assert.deepEqual(await who.next(), message, `at ${who.user}`);
}

const steps = {
  async "sendToAll: all data types"() {
    await service.sendToAll({ a: [1, null, "x"] });
    await expect(server({ a: [1, null, "x"] }, "json"), alice, bob);
    assert.deepEqual(await heard(), { type: "server-message", group: undefined, fromUserId: undefined, dataType: "json", data: { a: [1, null, "x"] } });
    await service.sendToAll("just a string");
    await expect(server("just a string", "json"), alice, bob);
    assert.equal((await heard()).data, "just a string");
    await service.sendToAll("ünï", text);
    await expect(server("ünï"), alice, bob);
    assert.equal((await heard()).dataType, "text");
    await service.sendToAll(new Uint8Array([0, 1, 255]).buffer);
    await expect(server([0, 1, 255], "binary"), alice, bob);
    assert.equal((await heard()).data, "AAH/");
  },
  async "sendToAll: excluded connections, filter, time to live"() {
    await service.sendToAll("not alice", { ...text, excludedConnections: [alice.connectionId, "nobody"] });
    await service.sendToAll("bob by filter", { ...text, filter: "userId eq 'bob'" });
    await service.sendToAll("all", { ...text, messageTtlSeconds: 60 });
    for (const data of ["not alice", "bob by filter", "all"]) await expect(server(data), bob);
    await expect(server("all"), alice);
    for (const data of ["not alice", "all"]) assert.equal((await heard()).data, data);
    await refused(service.sendToAll("x", { ...text, filter: "userId eq" }), 400, "Error.BadRequest");
    await refused(service.sendToAll("x", { ...text, messageTtlSeconds: 301 }), 400, "Error.BadRequest");
  },
  async "sendToUser"() {
    await service.sendToUser(ALICE, "to alice", text);
    await service.sendToUser(ALICE, "not to her", { ...text, filter: "userId ne null and connectionId eq 'x'" });
    await service.sendToUser(ALICE, { to: "alice" });
    await service.sendToUser("nobody", "lost", text);
    await expect(server("to alice"), alice);
    await expect(server({ to: "alice" }, "json"), alice);
  },
  async "sendToConnection"() {
    await service.sendToConnection(bob.connectionId, "to bob", text);
    await service.sendToConnection(bob.connectionId, new Uint8Array([7]).buffer, { messageTtlSeconds: 1 });
    await service.sendToConnection("nobody", "lost", text);
    await expect(server("to bob"), bob);
    await expect(server([7], "binary"), bob);
  },
  async "connectionExists, userExists, groupExists"() {
    assert.deepEqual(
      await Promise.all([
        service.connectionExists(alice.connectionId),
        service.connectionExists("nobody"),
        service.userExists(ALICE),
        service.userExists("nobody"),
        service.groupExists(ROOM),
      ]),
      [true, false, true, false, false],
    );
  },
  async "group: addConnection, sendToAll, removeConnection"() {
    await room.addConnection(alice.connectionId);
    assert.equal(await service.groupExists(ROOM), true);
    await room.sendToAll("for members", text);
    await room.sendToAll({ for: "members" });
    await room.sendToAll("not for alice", { ...text, excludedConnections: [alice.connectionId] });
    await room.sendToAll("nor this", { ...text, filter: "'other' in groups", messageTtlSeconds: 5 });
    await room.sendToAll(new Uint8Array([1, 2]).buffer);
    await expect(group(ROOM, "for members"), alice);
    await expect(group(ROOM, { for: "members" }, "json"), alice);
    await expect(group(ROOM, [1, 2], "binary"), alice);
    await room.removeConnection(alice.connectionId);
    assert.equal(await service.groupExists(ROOM), false);
    await refused(room.addConnection("nobody"), 404, "Error.Connection.NotExisted");
  },
  async "group: addUser, listConnections, removeUser"() {
    await room.addUser("bob");
    await room.addUser(ALICE);
    await room.addUser("wps");
    await room.sendToAll("hello room", text);
    await expect(group(ROOM, "hello room"), alice, bob);
    assert.deepEqual(await heard(), { type: "group-message", group: ROOM, fromUserId: undefined, dataType: "text", data: "hello room" });
    const member = ({ connectionId, user }) => ({ connectionId, userId: user });
    const members = [alice, bob, { connectionId: connected.connectionId, user: "wps" }].map(member);
    const byId = (a, b) => a.connectionId.localeCompare(b.connectionId);
    const all = async (options) => {
      const found = [];
      for await (const one of await room.listConnections(options)) found.push({ connectionId: one.connectionId, userId: one.userId });
      return found.sort(byId);
    };
    assert.deepEqual(await all(), members.toSorted(byId));
    assert.equal((await all({ top: 2 })).length, 2);
    const pages = async (options) => {
      const sizes = [];
      for await (const page of (await room.listConnections(options)).byPage()) sizes.push(page.length);
      return sizes;
    };
    assert.deepEqual(await pages({ maxPageSize: 2 }), [2, 1]);
    assert.deepEqual(await pages({ maxPageSize: 1, top: 2 }), [1, 1]);
    await room.removeUser("bob");
    assert.equal((await all()).length, 2);
    await room.removeUser("wps");
  },
  async "removeUserFromAllGroups, removeConnectionFromAllGroups"() {
    await service.removeUserFromAllGroups(ALICE);
    assert.equal(await service.groupExists(ROOM), false);
    await room.addConnection(bob.connectionId);
    await service.group("another").addConnection(bob.connectionId);
    await service.removeConnectionFromAllGroups(bob.connectionId);
    assert.deepEqual(await Promise.all([service.groupExists(ROOM), service.groupExists("another")]), [false, false]);
  },
  async "addConnectionsToGroups, removeConnectionsFromGroups"() {
    await service.addConnectionsToGroups(["g1", "g2"], "startswith(userId,'b') or userId eq 'al/ice é?'");
    await service.group("g2").sendToAll("both", text);
    await expect(group("g2", "both"), alice, bob);
    await service.removeConnectionsFromGroups(["g1", "g2"], "userId eq 'bob'");
    await service.group("g2").sendToAll("alice alone", text);
    await expect(group("g2", "alice alone"), alice);
    await service.removeConnectionsFromGroups(["g1", "g2"], "userId ne null");
    assert.equal(await service.groupExists("g1"), false);
    await refused(service.addConnectionsToGroups(["g1"], "nonsense"), 400, "Error.BadRequest");
  },
  async "grantPermission, hasPermission, revokePermission"() {
    const send = () => bob.client.sendToGroup("news", "from bob", "text").then(() => "sent", (error) => error.errorDetail?.name);
    const has = (options) => service.hasPermission(bob.connectionId, "sendToGroup", options);
    await bob.client.joinGroup("news");
    assert.equal(await send(), "Forbidden");
    await service.grantPermission(bob.connectionId, "sendToGroup", { targetName: "news" });
    assert.deepEqual([await has({ targetName: "news" }), await has({ targetName: "olds" })], [true, false]);
    assert.equal(await send(), "sent");
    await expect(group("news", "from bob", "text", "bob"), bob);
    await service.revokePermission(bob.connectionId, "sendToGroup", { targetName: "news" });
    assert.equal(await has({ targetName: "news" }), false);
    assert.equal(await send(), "Forbidden");
    await service.revokePermission(bob.connectionId, "joinLeaveGroup", { targetName: "more" });
    const join = await bob.client.joinGroup("more").then(() => "joined", (error) => error.errorDetail?.name);
    assert.equal(join, "Forbidden");
    await service.grantPermission(bob.connectionId, "joinLeaveGroup", { targetName: "more" });
    await bob.client.joinGroup("more");
    await bob.client.leaveGroup("more");
    await bob.client.leaveGroup("news");
    await refused(service.grantPermission("nobody", "sendToGroup", { targetName: "news" }), 404, "Info.Connection.NotExisted");
  },
  async "getClientAccessToken: groups and roles"() {
    const carol = await observer(service, "carol", { groups: ["lobby"], roles: ["webpubsub.sendToGroup.lobby"] });
    await carol.client.sendToGroup("lobby", "hi", "text");
    await expect(group("lobby", "hi", "text", "carol"), carol);
    assert.equal(await service.hasPermission(carol.connectionId, "sendToGroup", { targetName: "lobby" }), true);
    await service.closeUserConnections("carol", { reason: "carol out" });
    await expect({ kind: "disconnected", message: "Application server closed the connection. Reason: carol out" }, carol);
    assert.equal(await service.userExists("carol"), false);
  },
  async "group: closeAllConnections"() {
    const dave = await observer(service, "dave", { groups: [ROOM] });
    await room.closeAllConnections({ reason: "room closed" });
    await expect({ kind: "disconnected", message: "Application server closed the connection. Reason: room closed" }, dave);
  },
  async "closeConnection"() {
    await service.closeConnection(bob.connectionId);
    await expect({ kind: "disconnected", message: "Application server closed the connection." }, bob);
    assert.equal(await service.connectionExists(bob.connectionId), false);
  },
  async "closeAllConnections"() {
    await service.closeAllConnections({ reason: "the end, é" });
    await expect({ kind: "disconnected", message: "Application server closed the connection. Reason: the end, é" }, alice);
    const told = await listener.records.next("wps to be told");
    assert.equal(told.message, "Application server closed the connection. Reason: the end, é");
    assert.equal(told.closeCode, 1000);
  },
  "no method was forgotten"() {
    const all = (object) => Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter((name) => name !== "constructor");
    for (const [kind, object] of [["service", sdk], ["group", sdk.group("g")]]) {
      assert.deepEqual(all(object).filter((name) => !called.get(kind).has(name)), [], kind);
    }
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok    ${name}`);
  } catch (error) {
    console.error(`FAILED ${name}: ${error.stack}`);
    process.exit(1);
  }
}
await listener.stop();
await running.stop();
console.log("== the server SDK: all well");
process.exit(0);
