// The islands: what JavaScript adds to pages that also work without it. None of this reloads the page.

import assert from "node:assert/strict";
import test from "node:test";
import { settled } from "../lib/browser.js";
import { house } from "../lib/house.js";

const portal = house({ demo: true });
const ada = { name: "ada", password: "harbour at dawn" };

/** Opens a page, waits until its islands are hydrated, and sets a variable that is lost if the page is reloaded. */
async function awake(t, path, options) {
  const page = await portal.open(t, options);
  await page.goto(path);
  await settled(page);
  await page.evaluate(() => (globalThis.stayed = true));
  return page;
}

const stayed = (page) => page.evaluate(() => globalThis.stayed === true);
const paper = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

test("a copy button copies the whole of what stands beside it, and says so", async (t) => {
  const page = await awake(t, "/r/ada/tidewatch");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await page.getByRole("button", { name: "Copy command" }).first().click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await copied(), `docker pull ${portal.hub.registry}/ada/tidewatch:latest`);

  await page.goto("/r/ada/tidewatch/-/tags");
  await settled(page);
  await page.getByRole("button", { name: "Copy digest" }).first().click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.match(await copied(), /^sha256:[0-9a-f]{64}$/);
});

test("without a script there is no copy button to press in vain", async (t) => {
  const page = await portal.open(t, { javascript: false });
  await page.goto("/r/ada/tidewatch");
  for (const button of await page.locator("button.copy").all()) assert.ok(!(await button.isVisible()));
  assert.ok(await page.getByText(`docker pull ${portal.hub.registry}/ada/tidewatch:latest`).isVisible());
});

test("a theme holds at once, and the next page comes in it from its first byte", async (t) => {
  const page = await awake(t, "/");
  const light = await paper(page);
  const kept = page.waitForResponse((response) => response.url().includes("/_actions/theme/set"));
  await page.getByRole("button", { name: "Dark" }).click();
  const dark = await paper(page);
  assert.notEqual(dark, light);
  assert.ok(await stayed(page), "the page was loaded again");
  await kept;
  const answer = await page.goto("/search");
  assert.match(await answer.text(), /<html[^>]* data-theme="dark"/, "so that nothing flashes");
  assert.equal(await paper(page), dark);
});

test("a theme is chosen without a script, too", async (t) => {
  const page = await portal.open(t, { javascript: false });
  await page.goto("/search?q=tide");
  const light = await paper(page);
  await page.getByRole("button", { name: "Dark" }).click();
  await page.waitForURL(/\/search\?q=tide$/);
  assert.notEqual(await paper(page), light);
});

test("a preview is made in place, and what was typed stays", async (t) => {
  const page = await awake(t, "/r/ada/tidewatch/-/edit", { as: ada });
  const field = page.getByLabel("README", { exact: true });
  await field.fill("# Slack water\n\n| a | b |\n| - | - |\n| 1 | 2 |\n");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.locator(".preview").getByRole("heading", { name: "Slack water" }).waitFor();
  assert.equal(await page.locator(".preview table td").count(), 2);
  assert.ok(await stayed(page), "the page was loaded again");
  assert.match(await field.inputValue(), /^# Slack water/);
});

test("who was signed out meanwhile is led to sign in by the star, and told why", async (t) => {
  const page = await awake(t, "/r/ada/tidewatch", { as: ada, allow: [/401.*\/_actions\/stars\/set/] });
  await page.context().clearCookies();
  await page.getByRole("button", { name: /^Star/ }).click();
  await page.waitForURL((url) => url.pathname === "/signin");
  assert.ok(await page.getByRole("status").first().isVisible(), "says why one is here");
});

test("everything on a page is reached by the keyboard, and what has the focus shows it", async (t) => {
  const page = await awake(t, "/r/ada/tidewatch", { as: ada });
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const seen = new Set();
  for (let pressed = 0; pressed < 40; pressed += 1) {
    await page.keyboard.press("Tab");
    const { words, visible } = await page.evaluate(() => {
      const element = document.activeElement;
      // After the page's last element, the focus moves to the browser's own interface.
      if (element === document.body) return { words: "", visible: true };
      const { outlineStyle, boxShadow } = getComputedStyle(element);
      const around = getComputedStyle(element.parentElement);
      return {
        words: (element.getAttribute("aria-label") ?? element.textContent).trim(),
        visible: [outlineStyle, around.outlineStyle].some((style) => style !== "none") || boxShadow !== "none",
      };
    });
    seen.add(words);
    if (words) assert.ok(visible, `"${words}" has the focus and does not show it`);
  }
  for (const words of ["Copy name", "Edit README", "Copy command", "latest"]) assert.ok(seen.has(words), words);
});
