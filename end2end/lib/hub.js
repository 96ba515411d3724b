// Starts a Portolan for a test file, with a new data folder and on a free port. Accounts are created
// with the command line.

import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = resolve(import.meta.dirname, process.env.PORTOLAN ?? "../../target/debug/portolan");

/** Returns a free port on loopback. */
async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Returns the environment with `more`, but without the `PORTOLAN…` variables, which are for the tests. */
function environment(more) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("PORTOLAN"));
  return { ...Object.fromEntries(kept), ...more };
}

/** Starts `portolan serve`, or `portolan demo` if `options.demo` is set. Resolves when it is ready. */
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
    /** Its URL, `http://127.0.0.1:port`. */
    url,
    /** Its host and port, as used in image references. */
    registry: address,
    /** Returns everything that the server has logged so far. */
    log: () => readFileSync(log, "utf8"),
    /** Creates an account while the server is running. */
    addUser(name, { password = passwordOf(name), email = `${name}@example.org`, admin = false } = {}) {
      const more = admin ? ["--admin"] : [];
      execFileSync(program, ["user", "add", name, "--email", email, "--password-stdin", ...more], {
        env: environment({ PORTOLAN_DATA: data }),
        input: password,
        stdio: ["pipe", "pipe", "pipe"],
      });
      return { name, password, email };
    },
    /** Makes a REST call with the Basic credentials of `as`; sends `body` as JSON. Resolves to `{status, body}`. */
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

/** Returns the default password of an account. */
export function passwordOf(name) {
  return `${name} keeps a long secret`;
}

/** Returns the `Authorization` header of an account. */
export function basic({ name, password }) {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}
