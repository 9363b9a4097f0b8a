// The emulator's page in a browser: node page.mjs PATH/TO/wps PATH/TO/chromium
import { strict as assert } from "node:assert";
import puppeteer from "puppeteer-core";
import { checks, emulator, records, soon } from "./harness.mjs";

const [, , binary, chromium] = process.argv;
const service = await emulator(binary);
const source = ["--connection-string", service.connectionString, "--hub", "hub1"];
const browser = await puppeteer.launch({
  executablePath: chromium,
  // As root, which containers are, the browser has no sandbox.
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
const page = await browser.newPage();
const elsewhere = [];
const errors = [];
page.on("request", (request) => request.url().startsWith(service.endpoint) || request.url().startsWith("data:") || elsewhere.push(request.url()));
page.on("pageerror", (error) => errors.push(error.message));
page.on("console", (message) => message.type() === "error" && errors.push(message.text()));

/** Waits until an element of the page has this text in it. */
const shows = (selector, text) =>
  page.waitForFunction((selector, text) => document.querySelector(selector)?.textContent.includes(text), { timeout: 20_000 }, selector, text);

/** Clicks where the button is: what moves it meanwhile, such as a list that is drawn anew, does not matter. */
const press = (selector) => page.$eval(selector, (button) => button.click());

const failed = await checks("the page", {
  "a message sent from `wps send` appears in it": async () => {
    await page.goto(service.endpoint);
    await shows("#state", "live");
    await shows("#snippet", "wps listen");
    const run = records(binary, ["send", "group1", "hello page <b>&", "-o", "ndjson", ...source]);
    assert.equal(await soon(run.ended, "the end of `wps send`"), 0);
    await shows("#traffic", "hello page <b>&");
  },

  "a fault added there drops a listener, which recovers": async () => {
    const listen = records(binary, ["listen", "-g", "group1", "-o", "ndjson", ...source]);
    const { connectionId } = await listen.type("connected");
    await listen.type("joined");
    await shows("#connections", connectionId);
    await shows("#groups", "group1");
    await page.type("#fault", "drop=reset,op=ping,times=1");
    await press("#fault-form button");
    await shows("#faults", "drop=reset");
    await listen.type("recovering");
    await listen.type("recovered", (record) => record.connectionId === connectionId);
    await shows("#faults", "fired 1×");
    await press("#faults button");
    await shows("#fault-count", "0");
    listen.child.kill("SIGTERM");
    await soon(listen.ended, "the end of `wps listen`");
  },

  "names and data with HTML in them are shown as they are": async () => {
    const [group, user] = ["<img src=x onerror=alert(1)>", "<script>alert(2)</script>"];
    const listen = records(binary, ["listen", "-g", group, "--user", user, "-o", "ndjson", ...source]);
    await listen.type("joined");
    assert.equal(await soon(records(binary, ["send", group, group + user, "-o", "ndjson", ...source]).ended, "the end of `wps send`"), 0);
    await shows("#connections", user);
    await shows("#groups", group);
    await shows("#traffic", group + user);
    assert.equal(await page.$$eval("img, ul script", (found) => found.length), 0);
    listen.child.kill("SIGTERM");
    await soon(listen.ended, "the end of `wps listen`");
  },

  "it keeps up with any number of messages": async () => {
    const lines = Array.from({ length: 10_000 }, (_, number) => `message ${number}`).join("\n");
    assert.equal(await soon(records(binary, ["send", "many", "--lines", "-o", "ndjson", ...source], lines).ended, "the end of `wps send`", 60_000), 0);
    assert.equal(await soon(records(binary, ["send", "many", "the one after", "-o", "ndjson", ...source]).ended, "the end of `wps send`"), 0);
    await shows("#traffic", "the one after");
    assert.ok((await page.$$eval("#traffic li", (lines) => lines.length)) <= 500);
  },

  "a fault that is none is explained": async () => {
    await page.type("#fault", "nonsense=1");
    await press("#fault-form button");
    await shows("#fault-error", "nonsense");
  },

  "the filter hides and the pause holds": async () => {
    const send = async (data) => assert.equal(await soon(records(binary, ["send", "group1", data, "-o", "ndjson", ...source]).ended, "the end"), 0);
    await page.type("#filter", "needle");
    await send("hay");
    await send("needle");
    await page.waitForFunction(() => [...document.querySelectorAll("#traffic li:not([hidden])")].some((line) => line.textContent.includes("needle")));
    // What says that lines are left out says so whatever the filter is.
    assert.ok(await page.$$eval("#traffic li:not([hidden]):not(.missing)", (lines) => lines.every((line) => line.textContent.includes("needle"))));
    await press("#pause");
    await send("needle held");
    await page.waitForFunction(() => /\(\d+\)/.test(document.querySelector("#pause").textContent));
    assert.ok(!(await page.$eval("#traffic", (list) => list.textContent)).includes("needle held"));
    await press("#pause");
    await shows("#traffic", "needle held");
  },

  "it fits a phone, and is light or dark as wished": async () => {
    await page.setViewport({ width: 360, height: 640 });
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(wide <= screen, `${wide} > ${screen}`);
    const ground = async (value) => {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
      return page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
    };
    assert.notEqual(await ground("light"), await ground("dark"));
  },

  "it asks nobody but the emulator, and has no error": async () => {
    assert.deepEqual(elsewhere, []);
    // The refused fault is one answer of 400, which the browser reports.
    assert.deepEqual(errors.filter((error) => !/400/.test(error)), []);
  },
});
await browser.close();
await service.stop();
process.exit(failed ? 1 : 0);
