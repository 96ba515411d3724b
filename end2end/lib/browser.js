// Drives Chromium: with or without JavaScript, in either theme, at desktop or phone size. A test
// fails if a page that it opened reports an error.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };
const RESULTS = join(import.meta.dirname, "../results");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser. Its profile is a temporary folder that is deleted when it ends. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * Opens a page in its own browser context. When the test ends, the context is closed, and the test
 * fails if the page threw an exception, logged an error, violated its content security policy or
 * could not load a file.
 *
 * `allow` lists patterns of error messages that the test expects.
 */
export async function openPage(t, browser, url, options = {}) {
  const { javascript = true, theme = "light", viewport = DESK, allow = [] } = options;
  const context = await browser.newContext({
    baseURL: url,
    javaScriptEnabled: javascript,
    colorScheme: theme,
    viewport,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "UTC",
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const errors = watch(page, allow);
  t.after(async () => {
    await context.close();
    assert.deepEqual(errors, [], "the page reported errors");
  });
  return page;
}

function watch(page, allow) {
  const errors = [];
  const visited = new Set();
  const report = (message) => {
    if (!allow.some((pattern) => pattern.test(message))) errors.push(message);
  };
  page.on("request", (request) => {
    if (request.isNavigationRequest()) visited.add(request.url());
  });
  page.on("pageerror", (error) => report(`threw: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // The page itself may be a 404 on purpose, but a missing stylesheet or script is an error.
    const { url } = message.location();
    if (message.text().startsWith("Failed to load resource") && visited.has(url)) return;
    report(`logged: ${message.text()} (${url})`);
  });
  return errors;
}

/** Signs in with the form. */
export async function signIn(page, { name, password }) {
  await page.goto("/signin");
  await page.getByLabel(/name|e-?mail/i).first().fill(name);
  await page.getByLabel("Password", { exact: false }).first().fill(password);
  await page.getByRole("button", { name: /sign in/i }).last().click();
  await page.waitForURL((url) => url.pathname !== "/signin");
}

/** Resolves when the page has loaded and its islands are hydrated. */
export async function settled(page) {
  await page.waitForLoadState("load");
  await page.locator("html[data-islands=awake]").waitFor({ state: "attached" });
}

/**
 * Saves screenshots of the page in `results/`, in both themes at desktop and phone size. Fails if the page scrolls
 * sideways on a phone.
 */
export async function portrait(page, name) {
  mkdirSync(RESULTS, { recursive: true });
  const before = page.viewportSize();
  for (const [size, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
    await page.setViewportSize(viewport);
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      await page.screenshot({ path: join(RESULTS, `${name}-${size}-${theme}.png`), fullPage: true });
    }
  }
  await page.setViewportSize(PHONE);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= PHONE.width, `${name} scrolls sideways on a phone: ${width} px wide`);
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light" });
}

/** Fails if axe finds an accessibility violation in either theme. */
export async function accessible(page, name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.evaluate(AXE);
    // The second theme only changes colours.
    const rules = theme === "light" ? {} : { runOnly: ["color-contrast"] };
    const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, rules), rules);
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
    assert.deepEqual(found, [], `${name} in the ${theme} theme`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}
