// A record of the feed as it is shown: its sign, its words, whether it is a refusal.
import { members } from "./json.js";

/** The arrows are those of the emulator's log: seen from here. */
const SIGNS = {
  received: ["←", "came from the client"],
  sent: ["→", "went to the client"],
  opened: ["+", "a WebSocket was opened"],
  ended: ["−", "a WebSocket has ended"],
  request: ["⇒", "a request of the application"],
  handler: ["⇠", "an event handler was asked"],
  refused: ["✕", "a handshake was refused"],
  fault: ["!", "a fault has happened"],
  missing: ["…", "more than this page shows"],
};

const MESSAGES = ["message", "sendToGroup", "event", "setGroupState", "groupStateUpdate", "groupStateSnapshot"];

/** Users by their connections, as far as this page has seen them. */
const users = new Map();
const MOST_USERS = 10_000;

export function learn(connectionId, userId) {
  if (users.size >= MOST_USERS) users.clear();
  users.set(connectionId, userId ?? null);
}

/** Reads a record of the feed. Its frame stays as it is written. */
export function read(text) {
  const record = {};
  let frame;
  for (const [name, raw] of members(text)) {
    if (name === "frame") frame = raw;
    else record[name] = JSON.parse(raw);
  }
  if (record.type === "dropped") return missing(record.records, "the browser was too slow for them");
  if (record.type === "opened" && record.connectionId) learn(record.connectionId, record.userId);
  return { ...record, frame, ...judged(record, frame) };
}

/** A line for records that are not shown. */
export function missing(count, why) {
  return { type: "missing", count, words: `${count} record${count === 1 ? "" : "s"} not shown here: ${why}; \`wps emulator --log FILE\` keeps all`, bad: true };
}

function judged(record, frame) {
  switch (record.type) {
    case "opened":
      return { words: `${record.recovers ? "recovers" : "connects"} as ${record.userId ?? "anonymous"}${record.protocol ? `, ${record.protocol}` : ""}` };
    case "ended": {
      const close = record.closeCode ? ` with ${record.closeCode}${record.closeReason ? `: ${record.closeReason}` : ""}` : "";
      return { words: `${record.how}${close}`, bad: (record.closeCode ?? 1000) > 1001 };
    }
    case "request":
      return { words: `${record.method} ${record.path}: ${record.status}${record.note ? `: ${record.note}` : ""}`, bad: record.status >= 400 };
    case "handler": {
      const outcome = record.status ?? `no answer: ${record.note}`;
      return {
        words: `${record.event}: ${record.handler}: ${outcome} (${record.elapsedMs} ms)`,
        bad: !(record.status >= 200 && record.status < 300),
      };
    }
    case "refused":
      return { words: `a handshake was refused: ${record.status} ${record.message}`, bad: true };
    case "fault":
      return { words: record.note, bad: true };
    default:
      return frame === undefined ? unframed(record) : framed(frame);
  }
}

function unframed(record) {
  const kind = record.frameBase64 === undefined ? "" : "(binary) ";
  const cut = record.bytes ? ` (the beginning of ${record.bytes} bytes)` : "";
  return { words: `${kind}${record.text ?? record.frameBase64 ?? ""}${cut}`, message: true, cut: record.bytes !== undefined };
}

function framed(frame) {
  const of = members(frame);
  const type = of.get("type")?.slice(1, -1);
  const refused = type === "ack" && of.get("success") === "false" && !(of.get("error") ?? "").includes('"Duplicate"');
  const failed = /Response$/.test(type ?? "") && of.get("success") === "false";
  return { words: frame, message: MESSAGES.includes(type), bad: refused || failed || of.get("event") === '"disconnected"' };
}

export function sign(record) {
  return SIGNS[record.type] ?? ["·", record.type];
}

/** Whose it is, for its line. */
export function who(record) {
  const id = record.connectionId;
  if (!id) return record.hub ?? "";
  const user = users.get(id);
  return user === undefined ? id : user ?? "anonymous";
}
