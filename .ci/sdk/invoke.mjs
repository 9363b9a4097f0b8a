// `invokeEvent` of the official JavaScript client, over JSON and over protobuf, against the emulator, answered by its echo
// and by an event handler written by hand, which `wps invoke` calls too: node invoke.mjs PATH/TO/wps
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import { WebPubSubClient, InvocationError } from "@azure/web-pubsub-client";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { checks, emulator, records, soon } from "./harness.mjs";
import { names, protocol } from "./protobuf-protocol.mjs";

const binary = process.argv[2];

/** A started client of that emulator. */
async function client(service, options) {
  const server = new WebPubSubServiceClient(service.connectionString, "hub1", { allowInsecureConnection: true });
  const credential = { getClientAccessUrl: async () => (await server.getClientAccessToken({})).url };
  const made = new WebPubSubClient(credential, { reconnectRetryOptions: { maxRetries: 10, retryDelayInMs: 50 }, ...options });
  const connected = new Promise((resolve) => made.on("connected", resolve));
  await soon(made.start(), "start()");
  const { connectionId } = await soon(connected, "`connected`");
  return { made, connectionId };
}

async function stop({ made }) {
  const stopped = new Promise((resolve) => made.on("stopped", resolve));
  made.stop();
  await soon(stopped, "`stopped`");
}

/** An invocation that has to fail as an `InvocationError`. */
async function refused(call) {
  try {
    await soon(call, "the end of a call");
  } catch (error) {
    assert.ok(error instanceof InvocationError, `${error.stack}`);
    return error;
  }
  assert.fail("the call did not fail");
}

const echo = await emulator(binary);
const all = (options) => ({
  "is answered with every type of data, in any order": async () => {
    const it = await client(echo, options);
    const bytes = new Uint8Array([0, 1, 254, 255]).buffer;
    const calls = [["text", "héllo \u{1F600}"], ["json", { a: [1, null, "x"] }], ["binary", bytes]];
    const answers = await Promise.all(calls.map(([type, content]) => soon(it.made.invokeEvent("echo", content, type), type)));
    for (const [index, [type, content]] of calls.entries()) {
      assert.equal(answers[index].dataType, type);
      if (content instanceof ArrayBuffer) assert.deepEqual(new Uint8Array(answers[index].data), new Uint8Array(content));
      else assert.deepEqual(answers[index].data, content);
    }
    const named = await soon(it.made.invokeEvent("echo", "x", "text", { invocationId: "mine" }), "a call with an id");
    assert.equal(named.invocationId, "mine");
    await stop(it);
  },

  "fails as the service says": async () => {
    const it = await client(echo, options);
    const { id } = await echo.control("POST", "faults", { fault: "nack=BadRequest,op=invoke,message=no,event=refused" });
    const error = await refused(it.made.invokeEvent("refused", "x", "text"));
    assert.deepEqual([error.errorDetail?.name, error.errorDetail?.message], ["BadRequest", "no"]);
    await echo.control("DELETE", `faults/${id}`);
    await stop(it);
  },

  "is called off by an abort, and the connection goes on": async () => {
    const it = await client(echo, options);
    const { id } = await echo.control("POST", "faults", { fault: "delay-ack=1h,op=invoke,event=slow" });
    const abort = new AbortController();
    const call = it.made.invokeEvent("slow", "x", "text", { abortSignal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(soon(call, "the end of an aborted call"));
    assert.equal((await soon(it.made.invokeEvent("echo", "on", "text"), "the next call")).data, "on");
    await echo.control("DELETE", `faults/${id}`);
    await stop(it);
  },

  "fails at a drop, and works on the recovered connection": async () => {
    const it = await client(echo, options);
    const { id } = await echo.control("POST", "faults", { fault: "execute-then-drop,op=invoke,event=lost,times=1" });
    await refused(it.made.invokeEvent("lost", "x", "text"));
    // It does not wait for the recovery: calls fail until then.
    for (let attempt = 0; ; attempt += 1) {
      const answer = await soon(it.made.invokeEvent("lost", "again", "text"), "the next call").catch(() => undefined);
      if (answer) {
        assert.equal(answer.data, "again");
        break;
      }
      assert.ok(attempt < 200, "it never recovered");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await echo.control("DELETE", `faults/${id}`);
    await stop(it);
  },

  "a handler's answer and refusal come back": async () => {
    const asked = [];
    const handler = createServer((request, response) => {
      if (request.method === "OPTIONS") {
        response.setHeader("WebHook-Allowed-Origin", "*").end();
        return;
      }
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const event = request.headers["ce-eventname"];
        asked.push([request.headers["ce-type"], Buffer.concat(chunks).toString()]);
        if (event === "sum") {
          const sum = JSON.parse(asked.at(-1)[1]).reduce((a, b) => a + b, 0);
          response.setHeader("Content-Type", "application/json").end(JSON.stringify(sum));
        } else if (event === "nothing") response.writeHead(204).end();
        else response.writeHead(404).end();
      });
    });
    await new Promise((resolve) => handler.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${handler.address().port}/{event},system-events=`;
    const service = await emulator(binary, "--event-handler", url);
    const it = await client(service, options);
    assert.equal((await soon(it.made.invokeEvent("sum", [1, 2, 3], "json"), "the sum")).data, 6);
    assert.deepEqual(asked[0], ["azure.webpubsub.user.sum", "[1,2,3]"]);
    assert.equal((await soon(it.made.invokeEvent("nothing", "x", "text"), "no answer")).data, undefined);
    assert.equal((await refused(it.made.invokeEvent("unknown", "x", "text"))).errorDetail?.name, "BadRequest");
    const place = ["--connection-string", service.connectionString, "--hub", "hub1", "-o", "ndjson"];
    for (const wpsProtocol of ["json-reliable", "protobuf-reliable"]) {
      const call = (...args) => records(binary, ["invoke", "--protocol", wpsProtocol, ...place, ...args]);
      const sum = call("-t", "json", "sum", "[4,5]");
      assert.equal((await sum.type("invoke-response")).data, 9);
      assert.equal(await soon(sum.ended, "the end of `wps invoke`"), 0);
      const unknown = call("unknown", "x");
      assert.equal((await unknown.type("invoke-response")).error.name, "BadRequest");
      assert.equal(await soon(unknown.ended, "the end of `wps invoke`"), 8);
    }
    await stop(it);
    await service.stop();
    handler.close();
  },
});

let failed = 0;
for (const [family, options] of [["json", {}], ["protobuf", { protocol: protocol(names.reliable, true) }]]) {
  failed += await checks(`invokeEvent over ${family}`, all(options));
}
await echo.stop();
process.exit(failed ? 1 : 0);
