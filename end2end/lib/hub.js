// A Portolan of its own for a test file: a fresh data folder, a free port, accounts made by the
// command line. It knows nothing of browsers.

import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = resolve(import.meta.dirname, process.env.PORTOLAN ?? "../../target/debug/portolan");

/** A free port on loopback. */
async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The environment without what was said to the tests by `PORTOLAN_…` names. */
function environment(more) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("PORTOLAN"));
  return { ...Object.fromEntries(kept), ...more };
}

/** Starts `portolan serve`, or `portolan demo` when `options.demo` says so; resolves when it answers. */
export async function startHub(options = {}) {
  const folder = mkdtempSync(join(tmpdir(), "portolan-end2end-"));
  const data = join(folder, "data");
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const log = join(folder, "log");
  const output = openSync(log, "a");
  const child = spawn(
    program,
    [options.demo ? "demo" : "serve", "--data", data, "--listen", address, "--public-url", url, ...(options.arguments ?? [])],
    { env: environment(options.environment), stdio: ["ignore", output, output] },
  );
  let ended = null;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended = `exit ${code ?? signal}`));

  const hub = {
    /** Where it answers, as `http://127.0.0.1:port`. */
    url,
    /** The same as clients name it in a reference. */
    registry: address,
    /** Everything that the server has logged so far. */
    log: () => readFileSync(log, "utf8"),
    /** Makes an account while the server runs. */
    addUser(name, { password = passwordOf(name), email = `${name}@example.org`, admin = false } = {}) {
      const more = admin ? ["--admin"] : [];
      execFileSync(program, ["user", "add", name, "--email", email, "--password-stdin", ...more], {
        env: environment({ PORTOLAN_DATA: data }),
        input: password,
        stdio: ["pipe", "pipe", "pipe"],
      });
      return { name, password, email };
    },
    /** A REST call with Basic credentials; `body` goes as JSON. Resolves to `{status, body}`. */
    async rest(method, path, { as, body } = {}) {
      const headers = { accept: "application/json" };
      if (as) headers.authorization = basic(as);
      if (body !== undefined) headers["content-type"] = "application/json";
      const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    },
    async stop() {
      if (ended === null) {
        child.kill("SIGTERM");
        await Promise.race([new Promise((done) => child.once("exit", done)), sleep(5000, null, { ref: false })]);
        if (ended === null) child.kill("SIGKILL");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };

  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (ended !== null) break;
    try {
      const answer = await fetch(`${url}/readyz`);
      if (answer.ok) return hub;
    } catch {
      // Not listening yet.
    }
    await sleep(100);
  }
  const said = hub.log();
  await hub.stop();
  throw new Error(`${program} did not answer (${ended ?? "still starting"}):\n${said}`);
}

/** The password of an account that a test made without naming one. */
export function passwordOf(name) {
  return `${name} keeps a long secret`;
}

/** The Authorization header of an account. */
export function basic({ name, password }) {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}
