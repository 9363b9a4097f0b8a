// What a program on the official JavaScript client would do in place of `wps listen` and `wps send --lines`.
//
//     node client.mjs receive URL COUNT       joins `g`, prints COUNT messages as lines of JSON
//     node client.mjs send URL IN-FLIGHT      publishes the lines of standard input to `g`, each acknowledged
import { createInterface } from "node:readline";
import { WebPubSubClient } from "@azure/web-pubsub-client";

const [mode, url, number] = process.argv.slice(2);
const client = new WebPubSubClient(url);

async function receive(count) {
    let left = count;
    const all = new Promise((done) => {
        client.on("group-message", ({ message }) => {
            process.stdout.write(`${JSON.stringify(message)}\n`);
            left -= 1;
            if (left === 0) done();
        });
    });
    await client.start();
    await client.joinGroup("g");
    await all;
}

async function send(most) {
    await client.start();
    const underWay = new Set();
    for await (const line of createInterface({ input: process.stdin })) {
        while (underWay.size >= most) await Promise.race(underWay);
        const ack = client.sendToGroup("g", line, "text").finally(() => underWay.delete(ack));
        underWay.add(ack);
    }
    await Promise.all(underWay);
}

await (mode === "receive" ? receive : send)(Number(number));
process.exit(0);
