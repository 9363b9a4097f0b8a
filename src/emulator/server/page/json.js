// JSON as it is written: nothing here turns a number, a key or their order into something else, so that what is shown is
// what passed.

/** White space, strings, marks, and everything else: numbers and words. */
const TOKEN = /\s+|"[^"\\]*(?:\\[^][^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+|"/g;
/** Deeper than this it is shown as it stands. */
const DEEPEST = 40;

/** The members of an object, each as it is written, by their names. */
export function members(text) {
  const found = new Map();
  let depth = 0;
  let name;
  let start;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === "}" || token === "]") depth -= 1;
    if (start !== undefined && (depth === 0 || (depth === 1 && token === ","))) {
      found.set(name, text.slice(start, index).trim());
      name = start = undefined;
    } else if (depth === 1 && start === undefined) {
      if (token === ":") start = index + 1;
      else if (token.startsWith('"')) name = JSON.parse(token);
    }
    if (token === "{" || token === "[") depth += 1;
  }
  return found;
}

/** Whether a text is an object or an array that there is something to fold in. */
export function foldable(text) {
  if (!/^\s*[{[]/.test(text)) return false;
  try { JSON.parse(text); } catch { return false; }
  return true;
}

/** A text that is `foldable`, as nested parts that can be folded, each token as it is written. */
export function tree(text) {
  const tokens = [...text.matchAll(TOKEN)].filter(({ 0: token }) => token.trim());
  let next = 0;
  const leaf = (className, content) => {
    const made = document.createElement("span");
    made.className = className;
    made.textContent = content;
    return made;
  };

  function value(depth) {
    const { 0: token, index } = tokens[next];
    next += 1;
    if (token !== "{" && token !== "[") {
      return leaf(token.startsWith('"') ? "string" : "number", token);
    }
    const parts = [];
    let within = 1;
    if (depth >= DEEPEST) {
      for (; within > 0; next += 1) within += { "{": 1, "[": 1, "}": -1, "]": -1 }[tokens[next][0]] ?? 0;
      const last = tokens[next - 1];
      return leaf("string", text.slice(index, last.index + 1));
    }
    while (tokens[next][0] !== "}" && tokens[next][0] !== "]") {
      const part = document.createElement("div");
      if (token === "{") {
        part.append(leaf("name", tokens[next][0]), ": ");
        next += 2;
      }
      part.append(value(depth + 1));
      if (tokens[next][0] === ",") {
        part.append(",");
        next += 1;
      }
      parts.push(part);
    }
    const end = tokens[next][0];
    next += 1;
    if (parts.length === 0) return leaf("", token + end);
    const fold = document.createElement("details");
    fold.open = true;
    const summary = document.createElement("summary");
    summary.append(token, leaf("folded", ` … ${parts.length} ${end}`));
    const inside = document.createElement("div");
    inside.className = "inside";
    inside.append(...parts);
    fold.append(summary, inside, leaf("", end));
    return fold;
  }

  return value(0);
}
