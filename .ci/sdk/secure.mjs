// The official JavaScript client and service SDK over wss and https, as they are: node secure.mjs PATH/TO/wps
// What Node trusts beyond the roots of its own is read when it starts, so this starts itself again with the certificate.
import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { Inbox, checks, emulator, soon } from "./harness.mjs";

const [, , binary, folder] = process.argv;

if (folder === undefined) {
  const made = mkdtempSync(join(tmpdir(), "wps-tls-"));
  const [certificate, key] = ["cert.pem", "key.pem"].map((name) => join(made, name));
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...names, "-out", certificate, "-keyout", key];
  execFileSync("openssl", request, { stdio: ["ignore", "ignore", "pipe"] });
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), binary, made], { env, stdio: "inherit" });
  rmSync(made, { recursive: true });
  process.exit(status ?? 1);
}

const service = await emulator(binary, "--tls-cert", join(folder, "cert.pem"), "--tls-key", join(folder, "key.pem"));
const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

const failed = await checks("over TLS", {
  "the service SDK needs no allowInsecureConnection, and the client gets what it sends": async () => {
    assert.match(service.endpoint, /^https:\/\/localhost:\d+$/);
    const server = new WebPubSubServiceClient(service.connectionString, "hub1");
    const { url } = await server.getClientAccessToken({ roles, userId: "ann" });
    assert.match(url, /^wss:\/\/localhost:\d+\/client\/hubs\/hub1\?/);
    const client = new WebPubSubClient(url);
    const [messages, stopped] = [new Inbox(), new Inbox()];
    client.on("group-message", ({ message }) => messages.put(message));
    client.on("stopped", () => stopped.put(true));
    await soon(client.start(), "start()");
    await client.joinGroup("g1");
    const long = "é".repeat(100_000);
    await client.sendToGroup("g1", long, "text");
    assert.equal((await messages.next()).data, long);
    await server.group("g1").sendToAll({ n: 1.5 });
    assert.deepEqual((await messages.next()).data, { n: 1.5 });
    assert.ok(await server.userExists("ann"));
    client.stop();
    await stopped.next();
  },
});
await service.stop();
process.exit(failed ? 1 : 0);
