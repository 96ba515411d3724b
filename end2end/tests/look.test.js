// Every page with content, in both themes, at desktop and phone size, and for screen readers. The
// screenshots are kept in `results/` to be looked at.

import assert from "node:assert/strict";
import test from "node:test";
import { accessible, DESK, portrait, settled } from "../lib/browser.js";
import { house } from "../lib/house.js";
import { push } from "../lib/registry.js";

const portal = house({
  demo: true,
  async prepare(hub) {
    const made = await hub.rest("POST", "/repositories", { as: ada, body: { namespace: "ada", name: "empty" } });
    assert.equal(made.status, 201);
    const joined = await hub.rest("POST", "/users", { as: ada, body: { ...long, email: "long@example.org" } });
    assert.equal(joined.status, 201);
    await push(hub, long, LONG_PATH, LONG_TAG);
    const given = await hub.rest("PATCH", `/repositories/${LONG_PATH}`, {
      as: long,
      body: { visibility: "public", description: "soundings ".repeat(20).trim() },
    });
    assert.equal(given.status, 200);
    for (const body of ["fathoms".repeat(20), "A short one."]) {
      const said = await hub.rest("POST", `/repositories/${LONG_PATH}/-/comments`, { as: long, body: { body, tag: LONG_TAG } });
      assert.equal(said.status, 201);
    }
  },
});
// The longest allowed names: a layout that fits these fits all others.
const long = { name: "a.very-long-account-name_of-39-chars-ok", password: "harbour at dawn" };
const LONG_PATH = `${long.name}/${"soundings-of-the-northern-reach/".repeat(4)}end`;
const LONG_TAG = "v".repeat(128);
const ada = { name: "ada", password: "harbour at dawn" };
const kofi = { name: "kofi", password: "harbour at dawn" };

/** The pages: `[name, path, account that is signed in, status (200 by default)]`. */
const PAGES = [
  ["home", "/", null],
  ["home-own", "/", ada],
  ["search", "/search?q=tide", null],
  ["search-all", "/search", ada],
  ["search-nothing", "/search?q=kraken", null],
  ["overview", "/r/ada/tidewatch", null],
  ["overview-own", "/r/ada/tidewatch", ada],
  ["readme-edit", "/r/ada/tidewatch/-/edit", ada],
  ["tags", "/r/ada/tidewatch/-/tags", null],
  ["image", "/r/ada/tidewatch/-/tags/latest", ada],
  ["image-library", "/r/library/harbour/-/tags/latest", null],
  ["comments", "/r/ada/tidewatch/-/comments", ada],
  ["comments-visitor", "/r/ada/tidewatch/-/comments", null],
  ["comments-none", "/r/ada/empty/-/comments", ada],
  ["overview-empty", "/r/ada/empty", ada],
  ["tags-none", "/r/ada/empty/-/tags", ada],
  ["settings-general", "/r/ada/logbook/-/settings/general", ada],
  ["settings-collaborators", "/r/ada/logbook/-/settings/collaborators", ada],
  ["settings-danger", "/r/ada/logbook/-/settings/danger", ada],
  ["account", "/u/ada", null],
  ["account-starred", "/u/kofi?tab=starred", kofi],
  ["signin", "/signin", null],
  ["signup", "/signup", null],
  ["signout", "/signout", kofi],
  ["profile", "/settings/profile", ada],
  ["tokens-none", "/settings/tokens", kofi],
  ["new", "/new", ada],
  ["missing", "/r/no/such", null, 404],
  ["forbidden", "/r/ada/tidewatch/-/settings", kofi, 403],
  ["long-home", "/", long],
  ["long-search", "/search?q=soundings", long],
  ["long-overview", `/r/${LONG_PATH}`, long],
  ["long-tags", `/r/${LONG_PATH}/-/tags`, long],
  ["long-image", `/r/${LONG_PATH}/-/tags/${LONG_TAG}`, long],
  ["long-comments", `/r/${LONG_PATH}/-/comments`, long],
  ["long-settings", `/r/${LONG_PATH}/-/settings/danger`, long],
  ["long-account", `/u/${long.name}`, kofi],
];

for (const [name, path, as, status = 200] of PAGES) {
  test(`${name} holds in both themes, at a desk, on a phone and for a screen reader`, async (t) => {
    const page = await portal.open(t, { as });
    const answer = await page.goto(path);
    assert.equal(answer.status(), status);
    await settled(page);
    await portrait(page, name);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= DESK.width, `${name} scrolls sideways at a desk: ${wide} px wide`);
    await accessible(page, name);
  });
}

test("a refused form, a new token and open menus hold just so", async (t) => {
  const page = await portal.open(t, { as: ada });
  await page.goto("/settings/tokens");
  await page.getByLabel("Name", { exact: true }).fill("harbour crane");
  await page.getByLabel("Scopes").fill("ada/*:pull,push");
  await page.getByRole("button", { name: "Create token" }).click();
  await page.getByText("Copy the token now").waitFor();
  await settled(page);
  await portrait(page, "tokens-new");
  await accessible(page, "tokens-new");

  await page.goto("/new");
  await page.getByLabel("Name", { exact: true }).fill("Not A Name");
  await page.getByLabel(/Description/).fill("Kept as it was typed.");
  await page.getByRole("button", { name: "Create repository" }).click();
  await page.getByRole("alert").waitFor();
  await settled(page);
  await portrait(page, "new-refused");
  await accessible(page, "new-refused");

  await page.goto("/r/ada/tidewatch");
  await settled(page);
  await page.getByLabel(/Account menu/).click();
  await portrait(page, "menu");
  await accessible(page, "menu");

  await page.goto("/");
  await settled(page);
  await page.getByRole("combobox", { name: "Search images" }).fill("ti");
  await page.getByRole("option").first().waitFor();
  await portrait(page, "suggestions");
  await accessible(page, "suggestions");
});

test("an answer, an edit and a deletion open in place", async (t) => {
  const page = await portal.open(t, { as: ada });
  for (const act of ["Reply", "Edit", "Delete"]) {
    await page.goto("/r/ada/tidewatch/-/comments");
    await page.getByRole("link", { name: act }).last().click();
    await page.getByRole("link", { name: "Cancel" }).waitFor();
    await settled(page);
    await portrait(page, `comments-${act.toLowerCase()}`);
    await accessible(page, `comments-${act.toLowerCase()}`);
  }
});
