// `wps webhook test` against handlers that people build with the released @azure/web-pubsub-express, right and wrong ones:
// node webhook.mjs PATH/TO/wps
import { strict as assert } from "node:assert";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import express from "express";
import { checks, records, soon } from "./harness.mjs";

const binary = process.argv[2];

/** What `wps webhook test` finds of a handler: its exit code, the status of each step, and all that it says. */
async function found(hub, options, { before = [], path, flags = [] } = {}) {
  const handler = new WebPubSubEventHandler(hub, options);
  const app = express();
  for (const middleware of before) app.use(middleware);
  app.use(handler.getMiddleware());
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${server.address().port}${path ?? handler.path}`;
  const run = records(binary, ["webhook", "test", url, "--hub", "chat", "--user", "ann", "-o", "ndjson", "-q", ...flags]);
  const code = await soon(run.ended, "the end of `wps webhook test`");
  await run.type("stopped");
  server.closeAllConnections();
  server.close();
  const steps = Object.fromEntries(run.inbox.rest.filter(({ type }) => type === "check").map(({ step, status }) => [step, status]));
  return { code, steps, said: run.inbox.rest.map((record) => `${record.detail} ${record.hint ?? ""}`).join("\n") };
}

const WELL = { validate: "ok", connect: "ok", connected: "ok", event: "ok", disconnected: "ok" };

/** The steps that a wrong handler fails at, and what is said of it. */
function wrong({ code, steps, said }, expected, failing, words) {
  assert.equal(code, expected, said);
  const failed = Object.keys(steps).filter((step) => steps[step] === "failed");
  assert.deepEqual(failed, failing, JSON.stringify(steps));
  for (const word of words) assert.match(said, word);
}

const failed = await checks("webhook test", {
  "a handler that uses all there is": async () => {
    const seen = [];
    const { code, steps, said } = await found("chat", {
      handleConnect: (request, response) => {
        seen.push(["connect", request.context.userId ?? request.claims?.sub?.[0]]);
        response.setState("room", { n: 1 });
        response.success({ userId: "bob", groups: ["g"], roles: ["webpubsub.sendToGroup"] });
      },
      onConnected: (request) => seen.push(["connected", request.context.states?.room?.n]),
      handleUserEvent: (request, response) => {
        seen.push([request.context.eventName, request.context.states?.room?.n, request.data]);
        response.setState("room", { n: 2 });
        response.success(JSON.stringify({ answer: request.data }), "json");
      },
      onDisconnected: (request) => seen.push(["disconnected", request.context.states?.room?.n]),
    });
    assert.equal(code, 0, said);
    assert.deepEqual(steps, { ...steps, ...WELL });
    // The state that one answer sets comes with the next event.
    assert.deepEqual(seen.map(([event]) => event), ["connect", "connected", seen[2][0], "disconnected"]);
    assert.deepEqual([seen[1][1], seen[2][1], seen[3][1]], [1, 1, 2]);
  },
  "one that handles nothing": async () => {
    const { code, steps, said } = await found("chat", {});
    assert.equal(code, 0, said);
    assert.deepEqual(steps, { ...steps, ...WELL });
  },
  "one that lets this client in, by its claims": async () => {
    const { code, said } = await found("chat", {
      handleConnect: (request, response) =>
        request.claims?.tier?.[0] === "gold" && request.queries?.room?.[0] === "1" ? response.success() : response.fail(401),
    }, { flags: ["--claim", "tier=gold", "--query", "room=1"] });
    assert.equal(code, 0, said);
  },
  "one that refuses": async () => {
    const handler = { handleConnect: (_, response) => response.fail(401, "members only") };
    wrong(await found("chat", handler), 6, ["connect"], [/401/, /members only/]);
  },
  "one whose event fails": async () => {
    const handler = { handleUserEvent: (_, response) => response.fail(500, "no database") };
    wrong(await found("chat", handler), 8, ["event"], [/500/, /no database/]);
  },
  "one for another service": async () => {
    const handler = { allowedEndpoints: ["https://other.webpubsub.azure.com"] };
    const result = await found("chat", handler);
    assert.equal(result.code, 8, result.said);
    assert.equal(result.steps.validate, "failed");
    assert.match(result.said, /WebHook-Allowed-Origin/i);
  },
  "one for another hub": async () => {
    const result = await found("lobby", {});
    assert.equal(result.code, 8, result.said);
    assert.match(result.said, /404/);
  },
  "one at another path": async () => {
    const result = await found("chat", {}, { path: "/eventhandler" });
    assert.equal(result.code, 8, result.said);
    assert.equal(result.steps.validate, "failed");
    assert.match(result.said, /404/);
  },
  "one that never answers an event": async () => {
    const result = await found("chat", { handleUserEvent: () => {} }, { flags: ["--handler-timeout", "2s"] });
    wrong(result, 8, ["event"], [/2 ?s/]);
  },
  "one whose bodies another middleware has read before": async () => {
    const before = [express.raw({ type: () => true })];
    const result = await found("chat", { handleConnect: (_, response) => response.success() }, { before, flags: ["--handler-timeout", "2s"] });
    assert.equal(result.code, 8, result.said);
    assert.equal(result.steps.connect, "failed");
  },
});
process.exit(failed ? 1 : 0);
