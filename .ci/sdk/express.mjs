// The event handlers of `wps emulator` against the released @azure/web-pubsub-express, with the released client and with
// `wps` itself. Usage: node express.mjs WPS_BINARY. Exits with 1 and one line that says what was not so.
import { WebPubSubClient, WebPubSubJsonProtocol } from "@azure/web-pubsub-client";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import express from "express";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";

const wps = process.argv[2];
if (!wps) {
  console.error("usage: node express.mjs WPS_BINARY");
  process.exit(2);
}
const PATIENCE_MS = 20_000;
const children = new Set();

function fail(error) {
  console.error(`express: FAILED: ${error?.message ?? error}`);
  for (const child of children) child.kill("SIGKILL");
  process.exit(1);
}
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

/** Waits for a promise, but not for ever. */
function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What happens, in order, to be awaited one by one. */
class Happenings {
  #past = [];
  #waiting = [];
  add(happening) {
    const index = this.#waiting.findIndex(({ matches }) => matches(happening));
    if (index < 0) this.#past.push(happening);
    else this.#waiting.splice(index, 1)[0].resolve(happening);
  }
  /** The first that matches and was not taken before. */
  next(what, matches) {
    const index = this.#past.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#past.splice(index, 1)[0]);
    return within(what, new Promise((resolve) => this.#waiting.push({ matches, resolve })));
  }
}

/** A run of wps whose records are awaited. */
function run(args) {
  const child = spawn(wps, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  const records = new Happenings();
  createInterface({ input: child.stdout }).on("line", (line) => records.add(JSON.parse(line)));
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = new Promise((resolve) =>
    child.on("close", (code) => {
      children.delete(child);
      resolve({ code, stderr });
    }),
  );
  return {
    record: (type) => records.next(`the record ${type} of wps ${args[0]}`, (record) => record.type === type),
    end: () => within(`the end of wps ${args[0]}`, ended),
    stop: () => (child.kill("SIGTERM"), within(`the end of wps ${args[0]}`, ended)),
  };
}

// The application. Its handler needs to know the emulator's endpoint, which needs to know the application's port.
const app = express();
let middleware = (_request, _response, next) => next();
app.use((request, response, next) => middleware(request, response, next));
const server = app.listen(0, "127.0.0.1");
await within("the application's port", new Promise((resolve) => server.on("listening", resolve)));

const happenings = new Happenings();
const seen = (kind, matches = () => true) => happenings.next(kind, (event) => event.kind === kind && matches(event));

const handler = `http://127.0.0.1:${server.address().port}/api/webpubsub/hubs/{hub}/`;
const emulator = run(["emulator", "--port", "0", "-o", "ndjson", "--event-handler", handler]);
const ready = await emulator.record("listening");
const key = /AccessKey=([^;]+)/.exec(ready.connectionString)[1];

const chat = new WebPubSubEventHandler("chat", {
  allowedEndpoints: [ready.endpoint],
  handleConnect(request, response) {
    happenings.add({ kind: "connect", ...request });
    if (request.queries?.refuse) {
      response.fail(401, "not today");
    } else if (request.queries?.plain) {
      response.success();
    } else {
      response.setState("visits", 1);
      response.success({
        userId: "given",
        groups: ["lobby"],
        roles: ["webpubsub.sendToGroup.lobby"],
        subprotocol: request.subprotocols?.[0],
      });
    }
  },
  handleUserEvent(request, response) {
    const { connectionId, eventName, states, signature, userId } = request.context;
    happenings.add({ kind: "event", connectionId, eventName, states, signature, userId, ...request });
    if (eventName === "broken") {
      response.fail(400, "cannot");
    } else if (eventName === "quiet") {
      response.success();
    } else if (request.dataType === "json") {
      // `setState` changes `states` as well.
      const { visits } = states;
      response.setState("visits", (visits ?? 0) + 1);
      response.success(JSON.stringify({ got: request.data, visits }), "json");
    } else if (request.dataType === "text") {
      response.success(`got ${request.data}`, "text");
    } else {
      response.success(request.data, "binary");
    }
  },
  onConnected: (request) => happenings.add({ kind: "connected", ...request }),
  onDisconnected: (request) => happenings.add({ kind: "disconnected", ...request }),
});
middleware = chat.getMiddleware();

function url(hub, user, query = "") {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { aud: `${ready.endpoint}/client/hubs/${hub}`, exp: Math.floor(Date.now() / 1000) + 600, sub: user };
  const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part({ ...claims, role: roles, team: "red" })}`;
  const token = `${head}.${createHmac("sha256", key).update(head).digest("base64url")}`;
  return `${ready.endpoint.replace("http", "ws")}/client/hubs/${hub}?access_token=${token}${query}`;
}

// The released client: the handler's word counts, its answers come back, its state goes along.
{
  // Not the reliable subprotocol: this client's stop() closes without a code, after which a reliable connection can be
  // recovered for half a minute before it has ended.
  const protocol = WebPubSubJsonProtocol();
  const client = new WebPubSubClient({ getClientAccessUrl: url("chat", "token-user", "&room=1") }, { protocol, messageRetryOptions: { maxRetries: 0 } });
  const messages = new Happenings();
  client.on("server-message", ({ message }) => messages.add(message));
  client.on("group-message", ({ message }) => messages.add(message));
  const connected = new Promise((resolve) => client.on("connected", resolve));
  await within("the client's start", client.start());
  const { connectionId, userId } = await within("the connected frame", connected);
  assert.equal(userId, "given", "the handler's user id counts");

  const asked = await seen("connect");
  assert.equal(asked.context.connectionId, connectionId, "connect names the connection to come");
  assert.equal(asked.context.userId, "token-user", "connect names the token's user");
  assert.deepEqual(asked.claims.sub, ["token-user"], "claims are lists");
  assert.deepEqual(asked.claims.team, ["red"], "the token's own claims go along");
  assert.deepEqual(asked.queries, { room: ["1"] }, "the query goes along, without the token");
  assert.deepEqual(asked.subprotocols, ["json.webpubsub.azure.v1"], "the offers go along");
  const signature = `sha256=${createHmac("sha256", key).update(connectionId).digest("hex")}`;
  assert.equal(asked.context.signature, signature, "the signature is that of the key");

  const told = await seen("connected");
  assert.equal(told.context.connectionId, connectionId, "connected names the connection");
  assert.equal(told.context.userId, "given", "connected names the user");
  assert.deepEqual(told.context.states, { visits: 1 }, "connected has the state of connect");

  const next = (what) => messages.next(what, () => true);
  for (const visits of [1, 2]) {
    await within("the ack", client.sendEvent("vote", { n: visits }, "json"));
    const reply = await next("the JSON reply");
    assert.deepEqual(reply.data, { got: { n: visits }, visits }, "a JSON reply, and the state that the last one set");
    const event = await seen("event");
    assert.equal(event.eventName, "vote");
    assert.equal(event.userId, "given", "events name the user");
    assert.equal(event.signature, signature, "events are signed");
  }
  await within("the ack", client.sendEvent("talk", "hé", "text"));
  assert.equal((await next("the text reply")).data, "got hé", "a text reply");
  await within("the ack", client.sendEvent("bytes", new Uint8Array([0, 255]).buffer, "binary"));
  assert.deepEqual([...new Uint8Array((await next("the binary reply")).data)], [0, 255], "a binary reply");
  await within("the ack", client.sendEvent("quiet", "x", "text"));

  const refused = await client.sendEvent("broken", "x", "text").then(
    () => assert.fail("an event whose handler fails is not acknowledged"),
    (error) => error,
  );
  assert.equal(refused.errorDetail?.name, "InternalServerError", "a failing handler is an InternalServerError");

  // The handler put it into lobby, and took all other rights.
  await within("the ack", client.sendToGroup("lobby", "hello", "text"));
  assert.equal((await next("the group message")).data, "hello", "the handler's groups count");
  const forbidden = await client.joinGroup("other").catch((error) => error);
  assert.equal(forbidden.errorDetail?.name, "Forbidden", "the handler's roles count");

  client.stop();
  const gone = await seen("disconnected");
  assert.equal(gone.context.connectionId, connectionId, "disconnected names the connection");
  assert.deepEqual(gone.context.states, { visits: 3 }, "disconnected has the newest state");
  assert.equal(typeof gone.reason, "string", "disconnected has a reason");
}

// A refusal, at the released client.
{
  const client = new WebPubSubClient({ getClientAccessUrl: url("chat", "u", "&refuse=1") }, { autoReconnect: false });
  await assert.rejects(within("the refusal of the client's start", client.start()), /401/);
  await seen("connect", (event) => event.queries.refuse);
}

// `wps` as the client: the handler's user, groups, roles and state.
{
  const chatting = (command, ...more) => run([command, ...more, "-o", "ndjson", "--url", url("chat", "token-user")]);
  const listener = chatting("listen", "--count", "1");
  assert.equal((await listener.record("connected")).userId, "given", "wps is who the handler says");
  const sender = chatting("send", "lobby", "hi");
  assert.equal((await sender.record("ack")).success, true, "wps may what the handler permits");
  assert.equal((await sender.end()).code, 0);
  const message = await listener.record("group-message");
  assert.deepEqual([message.group, message.data], ["lobby", "hi"], "wps is where the handler put it");
  assert.equal((await listener.end()).code, 0);
  const forbidden = await chatting("join", "other").end();
  assert.equal(forbidden.code, 8, `wps may nothing else: ${forbidden.stderr}`);
  const voter = chatting("event", "vote", "{}", "-t", "json", "--repeat", "2", "--wait-reply=2");
  for (const visits of [1, 2]) {
    assert.deepEqual((await voter.record("server-message")).data, { got: {}, visits }, "the state goes along");
  }
  assert.equal((await voter.end()).code, 0);
}

// `wps` as the client: refused, accepted unchanged, an event with its reply.
{
  const refused = await run(["listen", "--url", url("chat", "u", "&refuse=1"), "--reconnect-retries", "0"]).end();
  assert.equal(refused.code, 5, `a refusal with 401 is exit 5: ${refused.stderr}`);
  assert.match(refused.stderr, /401[^]*not today/, "the client sees the handler's status and body");
  await seen("connect", (event) => event.queries.refuse);

  const event = run(["event", "vote", "{}", "-t", "json", "--wait-reply", "-o", "ndjson", "--url", url("chat", "bob", "&plain=1")]);
  const connected = await event.record("connected");
  assert.equal(connected.userId, "bob", "the token's user counts where the handler says nothing");
  const asked = await seen("connect", (asked) => asked.queries.plain);
  assert.equal(asked.context.connectionId, connected.connectionId);
  await seen("connected", (told) => told.context.connectionId === connected.connectionId);
  const reply = await event.record("server-message");
  assert.deepEqual(reply.data, { got: {} }, "wps gets the reply");
  assert.equal((await event.record("ack")).success, true, "wps gets the ack");
  assert.equal((await event.end()).code, 0);
  await seen("disconnected", (gone) => gone.context.connectionId === connected.connectionId);
}

// Another hub: the application does not know it, so that its validation fails, and everybody can see why.
{
  const refused = await run(["listen", "--url", url("other", "u"), "--reconnect-retries", "0"]).end();
  assert.equal(refused.code, 4, `a handler that does not agree is a 500: ${refused.stderr}`);
  assert.match(refused.stderr, /validation/, "the client sees what was wrong with the handler");
}

const ended = await emulator.stop();
assert.equal(ended.code, 143, "the emulator ends by the signal");
assert.match(ended.stderr, /does not agree to get events/, "the emulator reports the handler that does not agree");
assert.match(ended.stderr, /`broken` of hub `chat`: it answered 400/, "the emulator reports the handler that fails");
server.closeAllConnections();
console.log("express: ok");
// The released client leaves timers behind.
process.exit(0);
