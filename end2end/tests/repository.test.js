// A repository's pages: creating it by hand or by a push, describing, finding and starring it.

import assert from "node:assert/strict";
import test from "node:test";
import { settled } from "../lib/browser.js";
import { house } from "../lib/house.js";
import { push } from "../lib/registry.js";

const people = {};
const portal = house({
  async prepare(hub) {
    for (const name of ["owner", "stranger"]) people[name] = hub.addUser(name);
  },
});

const HOSTILE = `# Soundings

<script>document.title = "stolen"</script>
<img src="/x" onerror="document.title = 'stolen'">
<svg onload="document.title = 'stolen'"></svg>
<form action="/_actions/session/signout" method="post"><button>Free boats</button></form>
<style>body { display: none }</style>
<iframe src="https://example.org"></iframe>
[sail](javascript:document.title='stolen') and <a href="data:text/html,x" onclick="document.title='stolen'">row</a>

Depths are in **fathoms**.
`;

/** Creates a public repository with one image. */
async function made(how, name) {
  const path = `owner/${name}-${how.javascript ? "with" : "without"}`;
  await push(portal.hub, people.owner, path, "1.0");
  const given = await portal.hub.rest("PATCH", `/repositories/${path}`, {
    as: people.owner,
    body: { visibility: "public" },
  });
  assert.equal(given.status, 200);
  return path;
}

portal.eitherWay("a repository is made by hand, and a refused form keeps what was typed", async (t, how) => {
  const name = `handmade-${how.javascript ? "with" : "without"}`;
  const page = await portal.open(t, { ...how, as: people.owner });
  await page.goto("/");
  await page.getByRole("link", { name: /^New$/ }).click();
  await page.getByLabel("Name", { exact: true }).fill("Not A Name");
  await page.getByLabel(/Description/).fill("Rope, by the fathom.");
  await page.getByRole("radio", { name: "Internal" }).check();
  await page.getByRole("button", { name: "Create repository" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Not A Name");
  assert.equal(await page.getByLabel(/Description/).inputValue(), "Rope, by the fathom.");
  assert.ok(await page.getByRole("radio", { name: "Internal" }).isChecked());

  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create repository" }).click();
  await page.waitForURL((url) => url.pathname === `/r/owner/${name}`);
  assert.ok(await page.getByText("Rope, by the fathom.").isVisible());
  assert.ok(await page.getByText("Nothing has been pushed yet").isVisible());
});

portal.eitherWay("what was pushed is on its pages: tags, platform, layers, labels and how to pull it", async (t, how) => {
  const path = await made(how, "shown");
  const page = await portal.open(t, how);
  await page.goto(`/r/${path}`);
  assert.ok(await page.getByText(`docker pull ${portal.hub.registry}/${path}:1.0`).isVisible());
  await page.getByText("podman", { exact: true }).click();
  assert.ok(await page.getByText(`podman pull ${portal.hub.registry}/${path}:1.0`).isVisible());
  await page.getByRole("link", { name: /^Tags/ }).click();
  await page.getByRole("link", { name: "1.0", exact: true }).click();
  await page.waitForURL((url) => url.pathname === `/r/${path}/-/tags/1.0`);
  // The image is inspected shortly after the push.
  for (let waited = 0; waited < 20 && (await page.getByText("COPY 1.0 /srv").count()) === 0; waited += 1) {
    await page.waitForTimeout(100);
    await page.reload();
  }
  for (const words of ["ADD rootfs.tar /", "COPY 1.0 /srv", "linux/arm64", "/srv/run", "org.opencontainers.image.version"]) {
    assert.ok(await page.getByText(words, { exact: true }).first().isVisible(), words);
  }
});

portal.eitherWay("a hostile README is shown as harmless text, and its words are found within two seconds", async (t, how) => {
  const path = await made(how, "soundings");
  const word = how.javascript ? "bathymetry" : "echolocation";
  const page = await portal.open(t, { ...how, as: people.owner });
  await page.goto(`/r/${path}`);
  await page.getByRole("link", { name: /README/ }).first().click();
  await page.getByLabel("README", { exact: true }).fill(`${HOSTILE}\nAlso ${word}.\n`);
  await page.getByRole("button", { name: "Preview" }).click();
  await page.locator(".preview").getByText("Also").waitFor();
  assert.ok((await page.getByLabel("README", { exact: true }).inputValue()).includes(word), "the text is still there");
  await page.getByRole("button", { name: "Save README" }).click();
  await page.waitForURL((url) => url.pathname === `/r/${path}`);
  const saved = Date.now();

  const readme = page.locator(".readme .prose");
  assert.equal(await readme.getByRole("heading", { name: "Soundings" }).count(), 1);
  assert.equal(await readme.locator("strong").textContent(), "fathoms");
  for (const tag of ["script", "img", "svg", "form", "button", "style", "iframe", "[onclick]", "[style]"]) {
    assert.equal(await readme.locator(tag).count(), 0, tag);
  }
  for (const href of await readme.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))) {
    assert.ok(href === null || !/^(javascript|data):/i.test(href), href);
  }
  assert.match(await page.title(), new RegExp(path));

  const visitor = await portal.open(t, how);
  for (;;) {
    const asked = Date.now();
    await visitor.goto(`/search?q=${word}`);
    if ((await visitor.locator(`a.name[href="/r/${path}"]`).count()) === 1) break;
    assert.ok(asked - saved < 2000, "not found within two seconds");
  }
  assert.equal(await visitor.locator("mark").first().textContent(), word);
});

portal.eitherWay("a star is given and taken back, and counted", async (t, how) => {
  const path = await made(how, "starry");
  const page = await portal.open(t, { ...how, as: people.stranger });
  await page.goto(`/r/${path}`);
  if (how.javascript) {
    await settled(page);
    await page.evaluate(() => (globalThis.stayed = true));
  }
  const star = page.getByRole("button", { name: "Star", exact: true });
  const starred = page.getByRole("button", { name: "Starred", exact: true });
  await star.click();
  await starred.waitFor();
  assert.match(await page.locator(".star-count").textContent(), /^1\s+star/);
  if (how.javascript) assert.ok(await page.evaluate(() => globalThis.stayed), "the page was loaded again");

  const other = await portal.open(t, { ...how, as: people.stranger });
  await other.goto("/u/stranger?tab=starred");
  assert.equal(await other.locator(`a.name[href="/r/${path}"]`).count(), 1);

  await starred.click();
  await star.waitFor();
  assert.match(await page.locator(".star-count").textContent(), /^0/);
  if (how.javascript) assert.ok(await page.evaluate(() => globalThis.stayed), "the page was loaded again");
  await other.reload();
  assert.equal(await other.locator(`a.name[href="/r/${path}"]`).count(), 0);
});

test("a visitor who stars is led to sign in, and back", async (t) => {
  const path = await made({ javascript: false }, "guest");
  const page = await portal.open(t, { javascript: false });
  await page.goto(`/r/${path}`);
  await page.getByRole("link", { name: "Star", exact: true }).click();
  await page.getByLabel("Username or email").fill("stranger");
  await page.getByLabel("Password").fill(people.stranger.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname === `/r/${path}`);
  assert.ok(await page.getByRole("button", { name: "Star", exact: true }).isVisible());
});
