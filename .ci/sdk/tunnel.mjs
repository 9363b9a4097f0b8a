// Tunnels with other people's software: the tunnel client of Microsoft's own server proxy against the emulator, and an
// application with the official middleware behind `wps tunnel`, with the emulator killed and started again in between.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import express from "express";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import { Inbox, checks, emulator, records, soon } from "./harness.mjs";

const binary = process.argv[2];
// Not among the package's exports.
const require = createRequire(import.meta.url);
const { HttpServerProxy } = require("@azure/web-pubsub-socket.io/dist/serverProxies/HttpServerProxy.js");

/** Listens on a port of its own. */
async function listening(server) {
  await soon(new Promise((resolve) => server.listen(0, "127.0.0.1", resolve)), "a port");
  return server.address().port;
}

const all = {
  async "the official tunnel client gets events, answers them, and calls REST without a token"() {
    const service = await emulator(binary, "--event-handler", "tunnel:///api/{hub}/{event}");
    const asked = new Inbox();
    const server = createServer((request, response) => {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        asked.put({ path: request.url, method: request.method, headers: request.headers, body });
        if (!request.headers["ce-type"].startsWith("azure.webpubsub.user.")) return response.writeHead(204).end();
        response.writeHead(200, { "content-type": "text/plain" }).end(`got ${body}`);
      });
    });
    const port = await listening(server);
    const proxy = HttpServerProxy.fromConnectionString(service.connectionString, "chat", { target: `http://127.0.0.1:${port}` });
    const aborted = new AbortController();
    await soon(proxy.runAsync({}, () => false, aborted.signal), "the tunnel's connection");

    const client = records(binary, ["event", "vote", "yes", "--hub", "chat", "--user", "ann", "--wait-reply", "-o", "ndjson",
      "--connection-string", service.connectionString]);
    const connect = await asked.next((request) => request.path === "/api/chat/connect", "the connect event");
    assert.equal(connect.method, "POST");
    assert.equal(connect.headers["ce-userid"], "ann");
    assert.deepEqual(JSON.parse(connect.body).claims.sub, ["ann"]);
    const vote = await asked.next((request) => request.path === "/api/chat/vote", "the client's event");
    assert.equal(vote.body, "yes");
    assert.match(vote.headers["ce-signature"], /^sha256=[0-9a-f]{64}$/);
    assert.equal((await client.type("server-message")).data, "got yes");
    assert.equal(await soon(client.ended, "the client's end"), 0);
    await asked.next((request) => request.path === "/api/chat/disconnected", "the disconnected event");

    // REST through the tunnel: a message to everybody, and a question.
    const listener = records(binary, ["listen", "--hub", "chat", "--count", "1", "-o", "ndjson", "--connection-string", service.connectionString]);
    await listener.type("connected");
    const call = async (method, path, content, contentType) => {
      const url = `https://anywhere/api/hubs/chat${path}?api-version=2023-07-01`;
      const response = await soon(proxy._tunnel.invokeAsync({ method, url, content, contentType }), "the answer of REST");
      const body = [];
      for await (const chunk of response.body) body.push(Buffer.from(chunk));
      return { status: response.statusCode, body: Buffer.concat(body).toString() };
    };
    assert.equal((await call("POST", "/:send", new TextEncoder().encode("hello"), "text/plain")).status, 202);
    assert.equal((await listener.type("server-message")).data, "hello");
    assert.equal((await call("HEAD", "/users/nobody")).status, 404);
    aborted.abort();
    proxy._tunnel.stop();
    server.close();
    server.closeAllConnections();
    await service.stop();
  },

  async "an application with the official middleware behind wps tunnel, through a restart of the emulator"() {
    const happenings = new Inbox();
    const app = express();
    const handler = new WebPubSubEventHandler("chat", {
      handleConnect(request, response) {
        happenings.put({ kind: "connect", id: request.context.connectionId, user: request.context.userId });
        response.setState("visits", 1);
        response.success({ userId: "given", roles: ["webpubsub.sendToGroup.lobby"], groups: ["lobby"] });
      },
      handleUserEvent(request, response) {
        const { visits } = request.context.states;
        happenings.put({ kind: "event", name: request.context.eventName, visits, data: request.data });
        response.setState("visits", visits + 1);
        response.success(JSON.stringify({ visits }), "json");
      },
      onConnected: (request) => happenings.put({ kind: "connected", id: request.context.connectionId, states: request.context.states }),
      onDisconnected: (request) => happenings.put({ kind: "disconnected", id: request.context.connectionId, states: request.context.states }),
    });
    app.use(handler.getMiddleware());
    const server = createServer(app);
    const port = await listening(server);
    const seen = (kind) => happenings.next((happening) => happening.kind === kind, `the happening ${kind}`);

    const flags = ["-o", "ndjson", "--event-handler", `tunnel://${handler.path}`];
    let service = records(binary, ["emulator", "--port", "0", ...flags]);
    const { endpoint, connectionString } = await service.type("listening");
    const tunnel = records(binary, ["tunnel", "--hub", "chat", "-o", "ndjson", "--reconnect-delay", "50ms", "--connection-string",
      connectionString, "--upstream", `http://127.0.0.1:${port}`]);
    // The handshake: the middleware wants events at its own path, which is where it is asked by default.
    const check = await tunnel.type("check");
    assert.equal(check.status, "ok", check.detail);
    await tunnel.type("connected");

    const round = async () => {
      const voter = records(binary, ["event", "vote", "--type", "json", "--repeat", "2", "--wait-reply=2", "{\"n\":1}", "--hub", "chat",
        "--user", "token-user", "-o", "ndjson", "--connection-string", connectionString]);
      assert.equal((await seen("connect")).user, "token-user");
      assert.equal((await voter.type("connected")).userId, "given");
      assert.deepEqual((await seen("connected")).states, { visits: 1 });
      for (const visits of [1, 2]) {
        assert.deepEqual(await seen("event"), { kind: "event", name: "vote", visits, data: { n: 1 } });
        assert.deepEqual((await voter.type("server-message")).data, { visits });
      }
      assert.equal(await soon(voter.ended, "the voter's end"), 0);
      assert.deepEqual((await seen("disconnected")).states, { visits: 3 });
      const request = await tunnel.type("tunnel-request", (record) => record.event === "vote");
      assert.equal(request.status, 200);
    };
    await round();
    service.child.kill("SIGKILL");
    await soon(service.ended, "the end of the emulator");
    await tunnel.type("disconnected");
    service = records(binary, ["emulator", "--port", new URL(endpoint).port, ...flags]);
    await service.type("listening");
    await tunnel.type("connected");
    await round();
    // What the application does itself goes the usual way.
    const rest = new WebPubSubServiceClient(connectionString, "chat", { allowInsecureConnection: true });
    assert.equal(await rest.userExists("nobody"), false);

    tunnel.child.kill("SIGTERM");
    assert.equal(await soon(tunnel.ended, "the tunnel's end"), 143);
    service.child.kill("SIGTERM");
    await soon(service.ended, "the end of the emulator");
    server.close();
    server.closeAllConnections();
  },
};

// Clients leave timers behind.
process.exit((await checks("tunnel", all)) > 0 ? 1 : 0);
