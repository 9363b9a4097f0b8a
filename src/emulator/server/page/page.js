// The page of `wps emulator`: what the control endpoint says, and the traffic as it passes.
import { foldable, tree } from "./json.js";
import { learn, missing, read, sign, who } from "./records.js";

/** Lines that are kept. */
const MOST_LINES = 500;
/** Of those that come between two looks, as many are shown: the first and the last. */
const MOST_AT_ONCE = 200;
const FIRST_OF_MANY = 20;
const SHOW_MS = 100;
const MOST_CARDS = 200;
const MOST_STATES = 20;
const REFRESH_MS = 3000;
const SOON_MS = 150;
/** What changes the lists. */
const CHANGES = /^\{"type":"(?:opened|ended)"|"type":"(?:joinGroup|leaveGroup|setGroupState|(?:un)?subscribeGroupState)"/;

const at = (id) => document.getElementById(id);
let key = "";
let info = {};
let refreshing;
let refreshingSoon;
let paused = false;
/** Records since the page was opened or cleared, with those that are not shown. */
let passed = 0;
/** Records that came since the last look, or since the page was paused, as they came; and how many were let go. */
let coming = [];
let skipped = 0;
let showing;

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

/** `body` is JSON as it is to be sent. */
async function ask(method, path, body) {
  const headers = {};
  if (key) headers.authorization = `Bearer ${key}`;
  if (body) headers["content-type"] = "application/json";
  const response = await fetch(`/emulator/${path}`, { method, headers, body });
  const text = await response.text();
  let answer;
  try { answer = text ? JSON.parse(text) : {}; } catch { answer = { message: text }; }
  if (response.status === 401) at("key-form").hidden = false;
  if (!response.ok) {
    const { message, hints = [] } = answer.error ?? answer;
    throw new Error([message || `${response.status} ${response.statusText}`, ...hints].join("\n"));
  }
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
  learn(connection.connectionId, connection.userId);
  const drop = button("Drop", "Reset the socket; the client may recover", () => {
    ask("POST", `connections/${encodeURIComponent(connection.connectionId)}/drop`, '{"how":"reset"}').then(changed, report);
  });
  const groups = connection.groups?.length ? ` · groups: ${connection.groups.join(", ")}` : "";
  const state = connection.attached === false ? " · waits for recovery" : "";
  return element("li", "",
    element("strong", "main", connection.userId ?? "anonymous"),
    drop,
    element("small", "mono", connection.connectionId),
    element("small", "", `${connection.hub} · ${connection.protocol ?? "simple client"}${groups}${state}`));
}

/** What a member says of itself, and since when. */
function stateLine({ connectionId, userId, state, updatedAt }) {
  learn(connectionId, userId);
  const words = Object.entries(state).map(([name, value]) => `${name}=${value}`).join(" ") || "(empty)";
  const line = element("small", "state", element("strong", "", who({ connectionId })), ` ${words}`);
  line.title = `${connectionId}, ${new Date(updatedAt).toISOString()}`;
  return line;
}

function groupCard(group) {
  const states = group.states.slice(0, MOST_STATES).map(stateLine);
  const more = group.states.length - states.length;
  if (more > 0) states.push(element("small", "state", `… and ${more} more`));
  const told = group.subscribers.length;
  if (told > 0) states.push(element("small", "", `${told} watch${told === 1 ? "es" : ""} the states`));
  return element("li", "",
    element("span", "main", element("strong", "", group.group), ` in ${group.hub}`),
    element("span", "", `${group.members.length} member${group.members.length === 1 ? "" : "s"}`),
    element("small", "mono", group.members.slice(0, 20).map((connectionId) => who({ connectionId })).join(" ")
      + (group.members.length > 20 ? ` … and ${group.members.length - 20} more` : "")),
    ...states);
}

function faultCard(fault) {
  const clear = button("Clear", "End this fault", () => ask("DELETE", `faults/${fault.id}`).then(changed, report));
  return element("li", "", element("code", "main", fault.fault), element("span", "", `fired ${fault.fired}×${fault.done ? ", done" : ""}`), clear);
}

function report(error) {
  at("error").textContent = error.message;
  at("error").hidden = false;
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
  at("error").hidden = true;
  refreshSoon();
}

function snippet() {
  const { endpoint = location.origin, hub = "hub1" } = info;
  // Without the key nothing that holds one is told.
  const connectionString = info.connectionString ?? `Endpoint=${endpoint};AccessKey=KEY;Version=1.0;`;
  const clientUrl = info.clientUrl ?? `(wps url create --connection-string '${connectionString}' --hub ${hub})`;
  const port = new URL(endpoint).port;
  const isLocal = info.published && /^http:\/\/(?:localhost|127\.0\.0\.1)(?::|$)/.test(endpoint) && port;
  const local = isLocal ? `--local${port === "8080" ? "" : `=${port}`}` : `--connection-string '${connectionString}' --hub ${hub}`;
  const texts = {
    wps: `wps listen ${local} --group group1\nwps send ${local} group1 hello`,
    js: `// npm install @azure/web-pubsub-client\nimport { WebPubSubClient } from "@azure/web-pubsub-client";\n\nconst client = new WebPubSubClient("${clientUrl}");\nclient.on("group-message", (e) => console.log(e.message.data));\nawait client.start();\nawait client.joinGroup("group1");\nawait client.sendToGroup("group1", "hello", "text");`,
    python: `# pip install azure-messaging-webpubsubservice\nfrom azure.messaging.webpubsubservice import WebPubSubServiceClient\n\nservice = WebPubSubServiceClient.from_connection_string(\n    "${connectionString}", hub="${hub}")\nservice.send_to_group("group1", "hello", content_type="text/plain")`,
    url: clientUrl,
    string: connectionString,
  };
  at("endpoint").textContent = endpoint;
  at("snippet").textContent = texts[at("snippet-kind").value];
}

/** A frame as it passed, and, opened, the same laid out. */
function payload(record) {
  if (record.cut || !foldable(record.words)) return element("span", "data", record.words);
  const summary = element("summary", "", record.words);
  const data = element("details", "data", summary);
  data.addEventListener("toggle", () => {
    if (data.open && data.childElementCount === 1) data.append(element("div", "tree", tree(record.words)));
  });
  return data;
}

function shown(line) {
  if (line.classList.contains("missing")) return true;
  const filter = at("filter").value.trim().toLowerCase();
  return (!at("messages-only").checked || line.dataset.message === "1") && (!filter || line.dataset.words.includes(filter));
}

function lineOf(record) {
  const time = element("time", "", (record.time ?? "").slice(11, 23));
  const [mark, meaning] = sign(record);
  const way = element("span", "way", mark);
  way.title = meaning;
  const whose = element("span", "who", who(record));
  whose.title = [record.hub, record.connectionId].filter(Boolean).join(" ");
  const line = element("li", `${record.type}${record.bad ? " bad" : ""}`, time, way, whose, payload(record));
  line.dataset.words = `${record.words} ${who(record)} ${record.connectionId ?? ""} ${record.hub ?? ""}`.toLowerCase();
  line.dataset.message = record.message ? "1" : "0";
  return line;
}

function filterLines() {
  const lines = [...at("traffic").children];
  let hidden = 0;
  for (const line of lines) {
    line.hidden = !shown(line);
    hidden += line.hidden ? 1 : 0;
  }
  const none = hidden > 0 && !lines.some((line) => !line.hidden && !line.classList.contains("missing"));
  at("no-match").hidden = !none;
  at("no-match").textContent = `Nothing here matches the filter; ${hidden} line${hidden === 1 ? " is" : "s are"} hidden.`;
  at("no-traffic").hidden = lines.length > 0;
  const older = passed > MOST_LINES ? `, the newest ${MOST_LINES} at most are kept` : "";
  at("traffic-count").textContent = `${passed}${older}`;
}

/** Shows what has come. Of a flood a part, and in its place how many are left out. */
function show() {
  showing = undefined;
  if (paused) return;
  const records = coming.splice(0);
  const many = records.length > MOST_AT_ONCE;
  const first = many ? records.slice(0, FIRST_OF_MANY) : [];
  const last = many ? records.slice(FIRST_OF_MANY - MOST_AT_ONCE) : records;
  const left = skipped + records.length - first.length - last.length;
  skipped = 0;
  const lines = first.map((text) => lineOf(read(text)));
  if (left > 0) lines.push(lineOf(missing(left, "they came faster than one can read")));
  for (const text of last) {
    const record = read(text);
    // Those that never came were no part of what came.
    if (record.type === "missing") passed += record.count - 1;
    lines.push(lineOf(record));
  }
  at("traffic").prepend(...lines.reverse());
  while (at("traffic").childElementCount > MOST_LINES) at("traffic").lastElementChild.remove();
  filterLines();
}

function take(text) {
  passed += 1;
  if (CHANGES.test(text)) refreshSoon();
  coming.push(text);
  if (coming.length > 2 * MOST_LINES) skipped += coming.splice(FIRST_OF_MANY, MOST_LINES).length;
  if (paused) at("pause").textContent = `Resume (${coming.length + skipped})`;
  // A timer and not a frame of the screen, which a page in the background has none of.
  else showing ??= setTimeout(show, SHOW_MS);
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
        for (const event of events) if (event.startsWith("data: ")) take(event.slice(6));
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

/** The body of a message. What is JSON goes out as it was typed. */
function message() {
  const data = at("send-data").value;
  const to = at("send-to").value;
  const parts = [`"hub":${JSON.stringify(at("send-hub").value)}`];
  if (to) parts.push(`"${to}":${JSON.stringify(at("send-name").value)}`);
  if (at("send-kind").value === "json") {
    JSON.parse(data);
    parts.push(`"data":${data}`);
  } else {
    parts.push(`"text":${JSON.stringify(data)}`);
  }
  return `{${parts.join(",")}}`;
}

async function send() {
  at("sent").className = "";
  try {
    const { receivers } = await ask("POST", "send", message());
    at("sent").textContent = receivers === 0 ? "nobody is there to get it" : `${receivers} got it`;
  } catch (error) {
    at("sent").className = "error";
    at("sent").textContent = error.message;
  }
}

at("send-to").addEventListener("change", () => {
  at("send-name").hidden = at("send-name").disabled = !at("send-to").value;
});
at("send-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
at("snippet-kind").addEventListener("change", snippet);
at("copy").addEventListener("click", () => navigator.clipboard?.writeText(at("snippet").textContent));
// Other machines come by http, where a browser gives no clipboard.
at("copy").hidden = !navigator.clipboard;
at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = at("key").value;
  start();
});
at("fault-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const added = () => { at("fault").value = ""; at("fault-error").hidden = true; changed(); };
  // Beside the form: on a phone the top of the page is far away.
  const refused = (error) => { at("fault-error").textContent = error.message; at("fault-error").hidden = false; };
  ask("POST", "faults", JSON.stringify({ fault: at("fault").value })).then(added, refused);
});
at("filter").addEventListener("input", filterLines);
at("messages-only").addEventListener("change", filterLines);
at("pause").addEventListener("click", () => {
  paused = !paused;
  at("pause").setAttribute("aria-pressed", paused);
  at("pause").textContent = paused ? "Resume" : "Pause";
  if (!paused) show();
});
at("clear").addEventListener("click", () => {
  at("traffic").replaceChildren();
  passed = coming.length + skipped;
  filterLines();
});
start().then(follow);
