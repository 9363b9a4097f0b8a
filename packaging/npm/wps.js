#!/usr/bin/env node
// Starts the binary of this platform, and ends as it ends.
"use strict";
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const platform = `${process.platform}-${process.arch}`;
let binary;
try {
  binary = require.resolve(`@wps-cli/${platform}/bin/wps${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(`error: no package with a binary for ${platform} is installed`);
  console.error("hint: npm leaves them out with --omit=optional; where there is none, build from source with cargo");
  process.exit(1);
}

// Newer nodes can become the binary, which is then what signals reach. They warn that they may not always.
if (process.execve && process.platform !== "win32") {
  process.removeAllListeners("warning");
  process.execve(binary, [binary, ...process.argv.slice(2)], process.env);
}

const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
// What the terminal sends reaches the child by itself; what was sent to this process alone is handed on. Whatever it is, the
// child decides when to end.
for (const signal of ["SIGINT", "SIGQUIT"]) process.on(signal, () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`error: ${binary} could not be started: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
