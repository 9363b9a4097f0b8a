// What the makers' live tests of the JavaScript service SDK ask of the cloud, asked of the emulator with a key of its own:
// node specs.mjs PATH-OF-WPS
// Who needs https, and whoever comes with an identity, is in secure.mjs; every method with its effect is in rest.mjs.
import { strict as assert } from "node:assert";
import { AzureKeyCredential, WebPubSubServiceClient, odata } from "@azure/web-pubsub";
import WebSocket from "ws";
import { Inbox, checks, emulator } from "./harness.mjs";

const KEY = "a-key-of-the-specs-with-enough-characters";
const VERSIONS = "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01";
const SYNTAX =
  "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')";
const insecure = { allowInsecureConnection: true };
const text = { contentType: "text/plain" };
const zeros = new Uint8Array(10).buffer;

const running = await emulator(process.argv[2] ?? assert.fail("usage: node specs.mjs PATH-OF-WPS"), "--access-key", KEY);
const serviceOf = (hub) => new WebPubSubServiceClient(running.connectionString, hub, insecure);
const service = serviceOf("specs");
const group = service.group("group");

/** The status and headers of what a call was answered. */
async function answered(call, options = {}) {
  let last;
  await call({ ...options, onResponse: (response) => (last = response) });
  return { status: last.status, headers: last.headers };
}

async function statuses(...calls) {
  const all = [];
  for (const call of calls) all.push((await answered(call)).status);
  return all;
}

async function refusal(promise) {
  const error = await promise.then(() => assert.fail("not refused"), (error) => error);
  assert.equal(error.name, "RestError", error.stack);
  return error;
}

/** A filter that is none is said as the cloud was recorded to say it. */
async function badFilter(promise) {
  const error = await refusal(promise);
  assert.equal(error.statusCode, 400);
  const problem = JSON.parse(error.message);
  assert.deepEqual([problem.code, problem.message, problem.target], ["Error.BadRequest", SYNTAX, "filter"]);
}

/** Client tokens of the SDK's own making, read. */
function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}

/** A bare WebSocket that is open; its frames are text, or arrays of bytes. */
async function socket(url, ...subprotocols) {
  const frames = new Inbox();
  const made = new WebSocket(url, subprotocols);
  made.on("message", (data, isBinary) => frames.put(isBinary ? [...data] : data.toString()));
  await new Promise((resolve, reject) => made.on("open", resolve).on("error", reject));
  return { next: () => frames.next(), frames, close: () => made.close() };
}

const client = async (of, options, ...subprotocols) =>
  socket((await of.getClientAccessToken(options)).url, ...subprotocols);

async function pagesOf(of, options) {
  const sizes = [];
  for await (const page of (await of.listConnections(options)).byPage()) sizes.push(page.length);
  return sizes;
}

const failed = await checks("specs", {
  "a connection string, an endpoint with a key, options: each makes a client": async () => {
    const retryOptions = { maxRetries: 2 };
    const byKey = new WebPubSubServiceClient(running.endpoint, new AzureKeyCredential(KEY), "specs", { ...insecure, retryOptions });
    const byString = new WebPubSubServiceClient(running.connectionString, "specs", { ...insecure, retryOptions });
    for (const made of [byKey, byString]) assert.equal(await made.userExists("nobody"), false);
    const wrong = new WebPubSubServiceClient(running.endpoint, new AzureKeyCredential(`${KEY}!`), "specs", insecure);
    assert.equal((await refusal(wrong.sendToAll("x", text))).statusCode, 401);
  },
  "messages for all, a user, a connection and a group are 202, whoever is there": async () => {
    const to = (send) => statuses(
      (options) => send("hello", { ...text, ...options }),
      (options) => send({ x: 1, y: 2 }, options),
      (options) => send(zeros, options),
      (options) => send("hello", { ...text, filter: "userId ne 'user1'", messageTtlSeconds: 60, ...options }),
    );
    for (const send of [
      (...args) => service.sendToAll(...args),
      (...args) => service.sendToUser("brian", ...args),
      (...args) => service.sendToConnection("xxxx", ...args),
      (...args) => group.sendToAll(...args),
    ]) {
      assert.deepEqual(await to(send), [202, 202, 202, 202]);
    }
    const { headers } = await answered((options) => service.sendToAll("hello", { ...text, ...options }));
    assert.equal(headers.get("api-supported-versions"), VERSIONS);
  },
  "a filter that is none is refused in the cloud's own words, wherever one is taken": async () => {
    const filter = "invalid filter";
    await badFilter(service.sendToAll("hello", { ...text, filter }));
    await badFilter(service.sendToUser("brian", "hello", { ...text, filter }));
    await badFilter(group.sendToAll("hello", { ...text, filter }));
    await badFilter(service.addConnectionsToGroups(["group1", "group2"], filter));
    await badFilter(service.removeConnectionsFromGroups(["group1", "group2"], filter));
  },
  "a gateway may stand before it": async () => {
    const behind = await emulator(process.argv[2], "--access-key", KEY, "--advertise", "http://pubsub.example:0");
    const { host, port } = new URL(behind.endpoint);
    assert.equal(host, `pubsub.example:${port}`);
    const reverseProxyEndpoint = `http://localhost:${port}`;
    const through = new WebPubSubServiceClient(behind.connectionString, "specs", { ...insecure, reverseProxyEndpoint });
    assert.deepEqual(
      await statuses(
        (options) => through.sendToAll("hello", { ...text, ...options }),
        (options) => through.sendToAll({ x: 1, y: 2 }, options),
        (options) => through.sendToAll(zeros, options),
      ),
      [202, 202, 202],
    );
    const { url } = await through.getClientAccessToken({ groups: ["g"] });
    assert.ok(url.startsWith(`ws://${host}/client/hubs/specs?`), url);
    const member = await socket(url.replace(host, `localhost:${port}`));
    await through.group("g").sendToAll("hello", text);
    assert.equal(await member.next(), "hello");
    member.close();
    await behind.stop();
  },
  "who is not there: what is asked, taken out and closed is no error": async () => {
    assert.deepEqual(
      await Promise.all([service.userExists("foo"), service.groupExists("foo"), service.connectionExists("xxx")]),
      [false, false, false],
    );
    assert.deepEqual(
      await statuses(
        (options) => service.removeUserFromAllGroups("brian", options),
        (options) => service.removeConnectionFromAllGroups("xxx", options),
        (options) => service.closeConnection("xxx", options),
        (options) => service.closeUserConnections("xxx", options),
        (options) => service.closeAllConnections(options),
        (options) => group.closeAllConnections(options),
        (options) => group.removeConnection("xxxx", options),
        (options) => group.removeUser("brian", options),
      ),
      Array(8).fill(204),
    );
    const joining = await refusal(group.addConnection("xxxx"));
    assert.deepEqual([joining.statusCode, joining.code], [404, "Error.Connection.NotExisted"]);
    assert.match(joining.message, /Connection `xxxx` is not found\./);
  },
  "permissions of a connection that is not there: granted 404, asked false, revoked without a word": async () => {
    const target = { targetName: "x" };
    assert.equal((await refusal(service.grantPermission("xxx", "joinLeaveGroup", target))).statusCode, 404);
    assert.equal(await service.hasPermission("xxx", "joinLeaveGroup", target), false);
    const revoked = (options) => service.revokePermission("invalid-id", "joinLeaveGroup", { ...target, ...options });
    assert.deepEqual(await statuses(revoked), [204]);
    assert.equal((await refusal(service.revokePermission("xxxx", "joinLeaveGroup"))).statusCode, 400);
  },
  "connections join and leave several groups by a filter": async () => {
    const groups = ["group1", "group2"];
    assert.deepEqual(
      await statuses(
        (options) => service.addConnectionsToGroups(groups, "userId eq 'user 1'", options),
        (options) => service.removeConnectionsFromGroups(groups, "userId eq 'user 1'", options),
      ),
      [200, 200],
    );
    const [both, other] = ["'group1' in groups and 'group2' in groups", "userId ne 'user 1'"];
    const clients = [await client(service, { userId: "user 1" }), await client(service, { userId: "user 1" })];
    const stranger = await client(service, { userId: "user 2" });
    await service.addConnectionsToGroups(groups, "userId eq 'user 1'");
    await service.sendToAll({ message: "Hi json!" }, { filter: both });
    await service.sendToAll("Hi text!", { ...text, filter: both });
    await service.sendToAll(new Uint8Array([5, 1, 1, 2]).buffer, { filter: both });
    await service.sendToAll("for the stranger", { ...text, filter: other });
    for (const one of clients) {
      assert.deepEqual([await one.next(), await one.next(), await one.next()], ['{"message":"Hi json!"}', "Hi text!", [5, 1, 1, 2]]);
    }
    assert.equal(await stranger.next(), "for the stranger");
    await service.removeConnectionsFromGroups(["group2"], "userId eq 'user 1'");
    await service.sendToAll("to nobody", { ...text, filter: both });
    await service.sendToAll("to all", text);
    for (const one of [...clients, stranger]) {
      assert.equal(await one.next(), "to all");
      one.close();
    }
  },
  "client tokens are for the place of their protocol": async () => {
    const made = async (options) => {
      const { url, token } = await service.getClientAccessToken({ userId: "brian", groups: ["group1"], ...options });
      const { host, pathname, searchParams } = new URL(url);
      assert.deepEqual([host, searchParams.get("access_token")], [new URL(running.endpoint).host, token]);
      assert.equal(claimsOf(token).aud, `${running.endpoint}${pathname}`);
      return pathname;
    };
    assert.equal(await made({}), "/client/hubs/specs");
    assert.equal(await made({ clientProtocol: "default" }), "/client/hubs/specs");
    assert.equal(await made({ clientProtocol: "mqtt" }), "/clients/mqtt/hubs/specs");
  },
  "six members of a group are listed in pages of any size": async () => {
    const pages = serviceOf("pages");
    const members = [];
    for (let n = 0; n < 6; n += 1) members.push(await client(pages, { groups: ["group1"] }));
    const sizes = (options) => pagesOf(pages.group("group1"), options);
    assert.deepEqual(await sizes({ top: 6 }), [6]);
    assert.deepEqual(await sizes({ top: 3 }), [3]);
    assert.deepEqual(await sizes({ maxPageSize: 2 }), [2, 2, 2]);
    assert.deepEqual(await sizes({ maxPageSize: 2, top: 5 }), [2, 2, 1]);
    for (const member of members) member.close();
  },
  "simple clients get what was sent, as it was sent": async () => {
    const simple = serviceOf("simple");
    const one = await client(simple);
    await simple.sendToAll({ message: "Hello world!" });
    await simple.sendToAll("Hi there!", text);
    await simple.sendToAll(new Uint8Array([5, 1, 1]).buffer);
    assert.deepEqual([await one.next(), await one.next(), await one.next()], ['{"message":"Hello world!"}', "Hi there!", [5, 1, 1]]);
    one.close();
  },
  "simple clients get what goes to the groups of their token": async () => {
    const simple = serviceOf("simplegroups");
    const one = await client(simple, { groups: ["group1", "group2"] });
    const [first, second] = [simple.group("group1"), simple.group("group2")];
    await first.sendToAll({ message: "from group1" });
    await second.sendToAll(new Uint8Array([5, 1, 1, 1]).buffer);
    await second.sendToAll("from group2", text);
    await simple.group("group3").sendToAll("from another", text);
    await second.sendToAll(new Uint8Array([5, 1, 1, 2]).buffer);
    const got = [await one.next(), await one.next(), await one.next(), await one.next()];
    assert.deepEqual(got, ['{"message":"from group1"}', [5, 1, 1, 1], "from group2", [5, 1, 1, 2]]);
    one.close();
  },
  "the frames of the subprotocol are those of the cloud, to the letter": async () => {
    const framed = serviceOf("framed");
    const one = await client(framed, {}, "json.webpubsub.azure.v1");
    const connected = JSON.parse(await one.next());
    assert.deepEqual([connected.type, connected.event], ["system", "connected"]);
    await framed.sendToAll({ message: "Hello world!" });
    await framed.sendToAll("Hi there!", text);
    await framed.sendToAll(new Uint8Array([5, 1, 1]).buffer);
    assert.deepEqual(
      [await one.next(), await one.next(), await one.next()],
      [
        '{"type":"message","from":"server","dataType":"json","data":{"message":"Hello world!"}}',
        '{"type":"message","from":"server","dataType":"text","data":"Hi there!"}',
        '{"type":"message","from":"server","dataType":"binary","data":"BQEB"}',
      ],
    );
    one.close();
  },
  "filters see who has no user, and groups by the SDK's own way to write them": async () => {
    const filtered = serviceOf("filtered");
    const one = await client(filtered, { groups: ["groupA"] });
    const known = await client(filtered, { userId: "o'neil", groups: ["groupA", "groupB"] });
    await filtered.sendToAll({ message: "to the nameless" }, { filter: "userId eq null", messageTtlSeconds: 60 });
    const [a, b, user] = ["groupA", "groupB", "o'neil"];
    await filtered.sendToAll("in A alone", { ...text, filter: odata`${a} in groups and not(${b} in groups)`, messageTtlSeconds: 60 });
    await filtered.sendToAll("for one", { ...text, filter: odata`userId eq ${user}` });
    await filtered.sendToAll("for all", text);
    assert.deepEqual([await one.next(), await one.next(), await one.next()], ['{"message":"to the nameless"}', "in A alone", "for all"]);
    assert.deepEqual([await known.next(), await known.next()], ["for one", "for all"]);
    one.close();
    known.close();
  },
  "the service says that it is there": async () => {
    for (const method of ["HEAD", "GET"]) {
      assert.equal((await fetch(`${running.endpoint}/api/health?api-version=2024-12-01`, { method })).status, 200);
    }
  },
});
await running.stop();
process.exit(failed ? 1 : 0);
