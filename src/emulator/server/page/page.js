// The page of `wps emulator`: what the control endpoint says, and the traffic as it passes.
"use strict";

const MOST_LINES = 500;
const MOST_CARDS = 200;
const REFRESH_MS = 3000;
const SOON_MS = 150;

const at = (id) => document.getElementById(id);
let key = "";
let info = {};
let refreshing;
let refreshingSoon;
let paused = false;
let passed = 0;
/** Records that passed while the page was paused. */
let held = [];

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function button(label, title, action) {
  const made = element("button", "", label);
  made.type = "button";
  made.title = title;
  made.addEventListener("click", action);
  return made;
}

async function ask(method, path, body) {
  const headers = {};
  if (key) headers.authorization = `Bearer ${key}`;
  if (body) headers["content-type"] = "application/json";
  const response = await fetch(`/emulator/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  let answer;
  try { answer = text ? JSON.parse(text) : {}; } catch { answer = { message: text }; }
  if (response.status === 401) at("key-form").hidden = false;
  if (!response.ok) throw new Error(answer.message || answer.error?.message || `${response.status} ${response.statusText}`);
  return answer;
}

function say(state, text) {
  at("state").className = state;
  at("state").textContent = text;
}

function fill(list, empty, count, items, card) {
  at(list).replaceChildren(...items.slice(0, MOST_CARDS).map(card));
  if (items.length > MOST_CARDS) at(list).append(element("li", "", `… and ${items.length - MOST_CARDS} more`));
  at(empty).hidden = items.length > 0;
  at(count).textContent = items.length;
}

function connectionCard(connection) {
  const drop = button("Drop", "Reset the socket; the client may recover", () => {
    ask("POST", `connections/${connection.connectionId}/drop`, { how: "reset" }).then(changed, report);
  });
  const groups = connection.groups?.length ? ` · groups: ${connection.groups.join(", ")}` : "";
  const state = connection.attached === false ? " · waits for recovery" : "";
  return element("li", "",
    element("span", "main mono", connection.connectionId),
    element("strong", "", connection.userId ?? "anonymous"),
    drop,
    element("small", "", `${connection.hub} · ${connection.protocol ?? ""}${groups}${state}`));
}

function groupCard(group) {
  return element("li", "",
    element("span", "main", element("strong", "", group.group), ` in ${group.hub}`),
    element("span", "", `${group.members.length} member${group.members.length === 1 ? "" : "s"}`),
    element("small", "mono", group.members.slice(0, 20).join(" ") + (group.members.length > 20 ? " …" : "")));
}

function faultCard(fault) {
  const clear = button("Clear", "End this fault", () => ask("DELETE", `faults/${fault.id}`).then(changed, report));
  return element("li", "", element("code", "main", fault.fault), element("span", "", `fired ${fault.fired}×${fault.done ? ", done" : ""}`), clear);
}

function report(error) {
  at("fault-error").textContent = error.message;
  at("fault-error").hidden = false;
}

async function refresh() {
  clearTimeout(refreshing);
  clearTimeout(refreshingSoon);
  refreshing = refreshingSoon = undefined;
  try {
    const [connections, groups, faults] = await Promise.all([ask("GET", "connections"), ask("GET", "groups"), ask("GET", "faults")]);
    fill("connections", "no-connections", "connection-count", connections.connections, connectionCard);
    fill("groups", "no-groups", "group-count", groups.groups, groupCard);
    fill("faults", "no-faults", "fault-count", faults.faults, faultCard);
  } catch (error) {
    say("lost", error.message);
  }
  refreshing ??= setTimeout(refresh, REFRESH_MS);
}

function refreshSoon() {
  // Put off no further, or clients that come without a pause would keep the lists from ever changing.
  refreshingSoon ??= setTimeout(refresh, SOON_MS);
}

function changed() {
  at("fault-error").hidden = true;
  refreshSoon();
}

function snippet() {
  const { endpoint = location.origin, hub = "hub1" } = info;
  // Without the key nothing that holds one is told.
  const connectionString = info.connectionString ?? `Endpoint=${endpoint};AccessKey=KEY;Version=1.0;`;
  const clientUrl = info.clientUrl ?? `(wps url create --connection-string '${connectionString}' --hub ${hub})`;
  const port = new URL(endpoint).port;
  const isLocal = info.published && /^http:\/\/localhost(:|$)/.test(endpoint) && port;
  const local = isLocal ? `--local${port === "8080" ? "" : `=${port}`}` : `--connection-string '${connectionString}' --hub ${hub}`;
  const texts = {
    wps: `wps listen ${local} --group group1\nwps send ${local} group1 hello`,
    js: `// npm install @azure/web-pubsub-client\nimport { WebPubSubClient } from "@azure/web-pubsub-client";\n\nconst client = new WebPubSubClient("${clientUrl}");\nclient.on("group-message", (e) => console.log(e.message.data));\nawait client.start();\nawait client.joinGroup("group1");\nawait client.sendToGroup("group1", "hello", "text");`,
    python: `# pip install azure-messaging-webpubsubservice\nfrom azure.messaging.webpubsubservice import WebPubSubServiceClient\n\nservice = WebPubSubServiceClient.from_connection_string(\n    "${connectionString}", hub="hub1")\nservice.send_to_group("group1", "hello", content_type="text/plain")`,
    url: clientUrl,
    string: connectionString,
  };
  at("endpoint").textContent = endpoint;
  at("snippet").textContent = texts[at("snippet-kind").value];
}

/** The words of a record, for its line and for the filter. */
function words(record) {
  switch (record.type) {
    case "opened":
      return `connects as ${record.userId ?? "anonymous"}${record.recovers ? " (recovers)" : ""}`;
    case "ended":
      return `${record.how}${record.closeCode ? ` with ${record.closeCode} ${record.closeReason ?? ""}` : ""}`;
    case "request":
      return `${record.method} ${record.path}: ${record.status}${record.note ? `: ${record.note}` : ""}`;
    case "fault":
      return record.note;
    case "refused":
      return `a handshake was refused: ${record.status} ${record.message}`;
    case "dropped":
      return `${record.records} records were too many for this page`;
    default: {
      const payload = record.frame === undefined ? record.text ?? record.frameBase64 ?? JSON.stringify(record) : JSON.stringify(record.frame);
      return record.bytes ? `${payload} (${record.bytes} bytes)` : payload;
    }
  }
}

const SIGNS = { received: "→", sent: "←", opened: "+", ended: "−", request: "⇒", refused: "!", dropped: "!", fault: "!" };

function isMessage(record) {
  const type = record.frame?.type;
  return type === "message" || type === "sendToGroup" || type === "event" || (record.frame === undefined && (record.text !== undefined || record.frameBase64 !== undefined));
}

function shown(line) {
  const filter = at("filter").value.trim().toLowerCase();
  return (!at("messages-only").checked || line.dataset.message === "1") && (!filter || line.dataset.words.includes(filter));
}

function add(record) {
  passed += 1;
  at("traffic-count").textContent = passed;
  at("no-traffic").hidden = true;
  const text = words(record);
  const time = element("time", "", (record.time ?? "").slice(11, 23));
  const who = element("span", "who", record.connectionId ?? record.hub ?? "");
  who.title = `${record.hub ?? ""} ${record.connectionId ?? ""}`;
  const line = element("li", record.type, time, element("span", "way", SIGNS[record.type] ?? "·"), who, element("span", "data", text));
  line.dataset.words = `${text} ${record.connectionId ?? ""} ${record.hub ?? ""}`.toLowerCase();
  line.dataset.message = isMessage(record) ? "1" : "0";
  line.hidden = !shown(line);
  return line;
}

/** Records that came since the last frame of the screen. */
let coming = [];

function show() {
  const lines = coming.slice(-MOST_LINES).map(add);
  passed += coming.length - lines.length;
  coming = [];
  at("traffic").prepend(...lines.reverse());
  while (at("traffic").childElementCount > MOST_LINES) at("traffic").lastElementChild.remove();
}

function take(record) {
  if (record.type === "opened" || record.type === "ended" || record.frame?.type === "joinGroup" || record.frame?.type === "leaveGroup") {
    refreshSoon();
  }
  if (paused) {
    held.push(record);
    if (held.length > MOST_LINES) {
      held.shift();
      passed += 1;
    }
    at("pause").textContent = `Resume (${held.length})`;
    return;
  }
  if (coming.length === 0) requestAnimationFrame(show);
  coming.push(record);
  // Of a page in the background no frame is shown.
  if (coming.length > 2 * MOST_LINES) passed += coming.splice(0, MOST_LINES).length;
}

/** Follows the traffic; fetch and not EventSource, which can send no key. */
async function follow() {
  for (;;) {
    try {
      const headers = key ? { authorization: `Bearer ${key}` } : {};
      const response = await fetch("/emulator/events", { headers });
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      say("live", "live");
      at("key-form").hidden = true;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const event of events) if (event.startsWith("data: ")) take(JSON.parse(event.slice(6)));
      }
      say("lost", "the emulator has ended; trying again");
    } catch (error) {
      say("lost", `not connected: ${error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await start();
  }
}

async function start() {
  try {
    info = await ask("GET", "connect");
    snippet();
    at("fault-examples").replaceChildren(...(info.faultExamples ?? []).map((example) => {
      const option = element("option");
      option.value = example;
      return option;
    }));
  } catch (error) {
    say("lost", error.message);
  }
  await refresh();
}

at("snippet-kind").addEventListener("change", snippet);
at("copy").addEventListener("click", () => navigator.clipboard?.writeText(at("snippet").textContent));
at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = at("key").value;
  start();
});
at("fault-form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("POST", "faults", { fault: at("fault").value }).then(() => { at("fault").value = ""; changed(); }, report);
});
for (const [id, kind] of [["filter", "input"], ["messages-only", "change"]]) {
  at(id).addEventListener(kind, () => { for (const line of at("traffic").children) line.hidden = !shown(line); });
}
at("pause").addEventListener("click", () => {
  paused = !paused;
  at("pause").setAttribute("aria-pressed", paused);
  at("pause").textContent = paused ? "Resume" : "Pause";
  if (!paused) held.splice(0).forEach(take);
});
at("clear").addEventListener("click", () => {
  at("traffic").replaceChildren();
  passed = 0;
  at("traffic-count").textContent = 0;
  at("no-traffic").hidden = false;
});
start().then(follow);
