// Search: the search page with its filters, suggestions while typing, and which repositories are hidden from whom.

import assert from "node:assert/strict";
import test from "node:test";
import { settled } from "../lib/browser.js";
import { house } from "../lib/house.js";

const portal = house({ demo: true });
const ada = { name: "ada", password: "harbour at dawn" };

const names = (page) => page.locator("main a.name").evaluateAll((links) => links.map((link) => link.textContent.replaceAll(/\s/g, "")));

portal.eitherWay("a word leads to results that mark it, filters narrow them and can be taken out", async (t, how) => {
  const page = await portal.open(t, how);
  await page.goto("/");
  await page.getByRole("searchbox", { name: "Search all images" }).fill("harbour");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/search\?q=harbour$/);
  const all = await names(page);
  assert.ok(all.length > 1, `${all}`);
  assert.match((await page.locator("mark").first().textContent()).toLowerCase(), /^harbour/);

  await page.getByRole("link", { name: /^ada/ }).first().click();
  await page.waitForURL(/ns%3Aada/);
  const few = await names(page);
  assert.ok(few.length > 0 && few.length < all.length, `${few}`);
  assert.ok(few.every((name) => name.startsWith("ada/")), `${few}`);
  await page.getByRole("link", { name: "Remove filter ns:ada" }).click();
  await page.waitForURL(/\/search\?q=harbour$/);
  assert.deepEqual(await names(page), all);
});

portal.eitherWay("what a person may not see is neither found nor counted", async (t, how) => {
  const count = async (page) => {
    await page.goto("/search?q=logbook");
    return page.getByRole("heading", { level: 1 }).textContent();
  };
  const visitor = await portal.open(t, how);
  const hidden = await count(visitor);
  assert.match(hidden, /^0 results/);
  assert.ok(await visitor.getByRole("heading", { name: "No results" }).isVisible());
  assert.deepEqual(await names(visitor), []);
  const owner = await portal.open(t, { ...how, as: ada });
  assert.match(await count(owner), /^1 result /);
  assert.deepEqual(await names(owner), ["ada/logbook"]);
});

test("results are put in order, and a phone folds the filters away", async (t) => {
  const page = await portal.open(t, { javascript: false, viewport: { width: 390, height: 844 } });
  await page.goto("/search");
  await page.getByRole("link", { name: "Pulls", exact: true }).click();
  await page.waitForURL(/sort=pulls/);
  assert.equal((await names(page))[0], "library/harbour");
  const filter = page.locator(".facet", { hasText: "ines" });
  assert.ok(!(await filter.isVisible()));
  await page.getByText("Filters", { exact: true }).click();
  assert.ok(await filter.isVisible());
});

test("suggestions come as one types, without loading the page, and the arrow keys choose among them", async (t) => {
  const page = await portal.open(t);
  await page.goto("/");
  await settled(page);
  await page.evaluate(() => (globalThis.stayed = true));
  await page.keyboard.press("/");
  const box = page.getByRole("combobox", { name: "Search images" });
  assert.ok(await box.evaluate((input) => input === document.activeElement), "the slash brings the focus");
  assert.equal(await box.inputValue(), "", "the slash itself is not typed");

  await page.keyboard.type("light");
  const options = page.getByRole("option");
  await options.first().waitFor();
  assert.equal(await box.getAttribute("aria-expanded"), "true");
  assert.ok(await page.evaluate(() => globalThis.stayed), "the page was loaded again");

  await page.keyboard.press("Escape");
  await options.first().waitFor({ state: "hidden" });
  assert.equal(await box.inputValue(), "light", "what was typed stays");
  await page.keyboard.type("house");
  await options.first().waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await options.first().getAttribute("aria-selected"), "true");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/r/kofi/lighthouse");
});

test("a slash within a field is only a slash", async (t) => {
  const page = await portal.open(t);
  await page.goto("/signin");
  await settled(page);
  await page.getByLabel("Username or email").focus();
  await page.keyboard.type("a/b");
  assert.equal(await page.getByLabel("Username or email").inputValue(), "a/b");
});
