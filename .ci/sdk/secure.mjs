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
import WebSocket from "ws";
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

const pair = ["--tls-cert", join(folder, "cert.pem"), "--tls-key", join(folder, "key.pem")];
const service = await emulator(binary, ...pair);
const identified = await emulator(binary, ...pair, "--allow-unvalidated-entra");
const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

/** A token as Entra makes them, signed by nobody that the emulator knows. */
const identity = {
  async getToken() {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const claims = { aud: "https://webpubsub.azure.com", oid: "somebody", exp };
    return { token: `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}.${part("signature")}`, expiresOnTimestamp: exp * 1000 };
  },
};

/** A bare WebSocket that is open. */
async function open(server, options) {
  // One that is told when it is connected: the socket is open a moment before the service counts it.
  const made = new WebSocket((await server.getClientAccessToken(options)).url, "json.webpubsub.azure.v1");
  await soon(new Promise((resolve, reject) => made.once("message", resolve).on("error", reject)), "the connection");
  return made;
}

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
  "pages of a list lead on over https": async () => {
    const server = new WebPubSubServiceClient(service.connectionString, "pages");
    const members = await Promise.all([1, 2, 3].map(() => open(server, { groups: ["g1"] })));
    const sizes = [];
    for await (const page of (await server.group("g1").listConnections({ maxPageSize: 2 })).byPage()) sizes.push(page.length);
    assert.deepEqual(sizes, [2, 1]);
    for (const member of members) member.close();
  },
  "an identity in place of a key: it sends, and client tokens are made by the service": async () => {
    const server = new WebPubSubServiceClient(identified.endpoint, identity, "hub1");
    const statuses = [];
    const onResponse = ({ status }) => statuses.push(status);
    await server.sendToAll("hello", { contentType: "text/plain", onResponse });
    await server.sendToAll({ x: 1, y: 2 }, { onResponse });
    await server.sendToAll(new Uint8Array(10).buffer, { onResponse });
    assert.deepEqual(statuses, [202, 202, 202]);
    for (const [clientProtocol, path] of [[undefined, "client"], ["default", "client"], ["mqtt", "clients/mqtt"]]) {
      const { url, token } = await server.getClientAccessToken({ userId: "brian", groups: ["group1"], clientProtocol });
      assert.ok(url.startsWith(`${identified.endpoint.replace("http", "ws")}/${path}/hubs/hub1?access_token=`), url);
      const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
      assert.deepEqual([claims.aud, claims.sub], [`${identified.endpoint}/${path}/hubs/hub1`, "brian"]);
    }
    const member = await open(server, { userId: "brian", groups: ["group1"] });
    assert.deepEqual([await server.userExists("brian"), await server.groupExists("group1")], [true, true]);
    member.close();
    // Without the flag nobody is taken at their word.
    const strict = new WebPubSubServiceClient(service.endpoint, identity, "hub1");
    const error = await strict.userExists("brian").then(() => assert.fail("not refused"), (error) => error);
    assert.equal(error.statusCode, 401);
  },
});
await identified.stop();
await service.stop();
process.exit(failed ? 1 : 0);
