// Prints a client access URL made by the official JavaScript SDK from the connection string in a file.
import { readFileSync } from "node:fs";
import { WebPubSubServiceClient } from "@azure/web-pubsub";

const connectionString = readFileSync(process.argv[2], "utf8").trim();
const client = new WebPubSubServiceClient(connectionString, "chat", { allowInsecureConnection: true });
const token = await client.getClientAccessToken({
  userId: "alice",
  roles: ["webpubsub.joinLeaveGroup.room1", "webpubsub.sendToGroup"],
  groups: ["lobby"],
  expirationTimeInMinutes: 10,
});
console.log(token.url);
