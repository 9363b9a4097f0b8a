// The live trace as the portal's tool has it: SignalR's own client, started without negotiation, against the emulator.
import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import { HttpTransportType, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { Inbox, checks, emulator, records, soon } from "./harness.mjs";

const binary = process.argv[2];
const service = await emulator(binary);
const key = service.connectionString.match(/AccessKey=([^;]*)/)[1];

/** A token for the live trace, and for nothing else unless said otherwise (PROTOCOL §21.1). */
function token(audience = `${service.endpoint}/livetrace`, signedWith = key) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ aud: audience, iat: now, exp: now + 3600 })}`;
  return `${signed}.${createHmac("sha256", signedWith).update(signed).digest("base64url")}`;
}

/** As the tool builds its connection. */
function connection(accessToken = token()) {
  const options = { skipNegotiation: true, transport: HttpTransportType.WebSockets, accessTokenFactory: () => accessToken };
  const made = new HubConnectionBuilder().withUrl(`${service.endpoint}/livetrace`, options).configureLogging(LogLevel.None).build();
  const inboxes = { logEvent: new Inbox(), LogProperty: new Inbox(), closed: new Inbox() };
  made.on("logEvent", (event) => inboxes.logEvent.put(event));
  made.on("LogProperty", (property) => inboxes.LogProperty.put(property));
  made.onclose((error) => inboxes.closed.put(error));
  return { made, inboxes };
}

const failed = await checks("@microsoft/signalr", {
  "starts without negotiation, hears what happens, and asks for templates": async () => {
    const { made, inboxes } = connection();
    await soon(made.start(), "the handshake");
    // `invoke` waits for the answer, the tool's `send` does not.
    await soon(made.invoke("startListeningToLogEvents"), "the answer to the start");
    const sdk = new WebPubSubServiceClient(service.connectionString, "chat", { allowInsecureConnection: true });
    await sdk.sendToAll("hello", { contentType: "text/plain" });
    const names = [];
    for (let count = 0; count < 2; count++) {
      const event = await inboxes.logEvent.next(() => true, "an event");
      await made.send("LogProperty", event.eventId);
      const property = await inboxes.LogProperty.next(({ eventId }) => eventId === event.eventId, "its template");
      const values = [...event.values];
      names.push([property.eventName, property.template.replace(/\{\w+\}/g, () => values.shift())]);
    }
    assert.deepEqual(names, [
      ["RequestStarted", "Request started: POST /api/hubs/chat/:send."],
      ["RequestProcessed", "Request processed: POST /api/hubs/chat/:send, status 202."],
    ]);
    await made.stop();
  },
  "tells connections, memberships and messages of wps": async () => {
    const { made, inboxes } = connection();
    await soon(made.start(), "the handshake");
    await made.send("startListeningToLogEvents");
    await made.invoke("startListeningToLogEvents");
    const run = records(binary, ["send", "g", "x", "-o", "ndjson", "--user", "alice", "--connection-string", service.connectionString, "--hub", "hub1"]);
    assert.equal(await soon(run.ended, "the end of `wps send`"), 0);
    const started = await inboxes.logEvent.next(({ logContext }) => logContext?.userId === "alice", "the start of a connection");
    assert.equal(started.logContext.hub, "hub1");
    assert.equal(new Date(started.time).toISOString(), started.time);
    await inboxes.logEvent.next(({ values }) => values[0] === "sendToGroup", "the message");
    await made.stop();
  },
  "is refused with a token for something else": async () => {
    for (const wrong of [token(`${service.endpoint}/client/hubs/chat`), token(undefined, "another key")]) {
      const { made } = connection(wrong);
      await assert.rejects(soon(made.start(), "the refusal"), /WebSocket|401|start/i);
    }
  },
  "learns of a method that is not there": async () => {
    const { made } = connection();
    await soon(made.start(), "the handshake");
    await assert.rejects(soon(made.invoke("somethingElse"), "the answer"), /There is no such method/);
    await made.stop();
  },
  "is told that the service stops": async () => {
    const { made, inboxes } = connection();
    await soon(made.start(), "the handshake");
    await made.invoke("startListeningToLogEvents");
    await service.stop();
    const error = await inboxes.closed.next(() => true, "the end");
    assert.match(String(error), /The service stops/);
  },
});
process.exit(failed ? 1 : 0);
