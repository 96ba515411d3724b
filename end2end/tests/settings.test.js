// Settings of repositories, and personal access tokens.

import assert from "node:assert/strict";
import test from "node:test";
import { house } from "../lib/house.js";
import { pull, push, token } from "../lib/registry.js";

const people = {};
const portal = house({
  async prepare(hub) {
    for (const name of ["owner", "friend", "stranger"]) people[name] = hub.addUser(name);
  },
});

/** Creates a repository with one image by a push, which makes it private. */
async function pushed(how, name) {
  const path = `owner/${name}-${how.javascript ? "with" : "without"}`;
  await push(portal.hub, people.owner, path, "1.0");
  return path;
}

/** Returns the status and text of a page, without the nonces, which differ between responses. */
async function answer(page, path) {
  const given = await page.request.get(path);
  return { status: given.status(), text: (await given.text()).replaceAll(/nonce="[^"]*"/g, "") };
}

test("a private repository gives everyone else the very page of a missing one", async (t) => {
  const path = await pushed({ javascript: false }, "hidden");
  for (const as of [undefined, people.stranger]) {
    const page = await portal.open(t, { as });
    const missing = await answer(page, "/r/owner/never-was");
    assert.equal(missing.status, 404);
    for (const tail of ["", "/-/tags", "/-/tags/1.0", "/-/comments", "/-/edit", "/-/settings/danger"]) {
      assert.deepEqual(await answer(page, `/r/${path}${tail}`), missing, `${as?.name ?? "visitor"} at ${tail}`);
    }
  }
});

portal.eitherWay("a repository made public is there for everyone, and gone again when private", async (t, how) => {
  const path = await pushed(how, "tidal");
  const owner = await portal.open(t, { ...how, as: people.owner });
  const visitor = await portal.open(t, how);
  for (const [visibility, status] of [["Public", 200], ["Internal", 404], ["Private", 404]]) {
    await owner.goto(`/r/${path}/-/settings/general`);
    await owner.getByRole("radio", { name: visibility }).check();
    await owner.getByRole("button", { name: "Save settings" }).click();
    await owner.getByText("The settings were saved.").waitFor();
    const answer = await visitor.goto(`/r/${path}`);
    assert.equal(answer.status(), status, visibility);
    assert.equal((await pull(portal.hub, null, path, "1.0")) === 200, status === 200, visibility);
  }
});

portal.eitherWay("a collaborator sees, pulls and comments but does not push, until removed", async (t, how) => {
  const path = await pushed(how, "shared");
  const owner = await portal.open(t, { ...how, as: people.owner });
  const friend = await portal.open(t, { ...how, as: people.friend });
  assert.equal((await friend.goto(`/r/${path}`)).status(), 404);

  await owner.goto(`/r/${path}`);
  await owner.getByRole("link", { name: "Settings" }).last().click();
  await owner.getByRole("link", { name: "Collaborators" }).click();
  await owner.getByRole("textbox", { name: "Account" }).fill("nobody-of-this-name");
  await owner.getByRole("button", { name: "Add collaborator" }).click();
  await owner.getByRole("alert").waitFor();
  assert.equal(await owner.getByRole("textbox", { name: "Account" }).inputValue(), "nobody-of-this-name");
  await owner.getByRole("textbox", { name: "Account" }).fill("friend");
  await owner.getByLabel("Role", { exact: true }).selectOption("reader");
  await owner.getByRole("button", { name: "Add collaborator" }).click();
  await owner.getByLabel("Role of friend").waitFor();

  assert.equal((await friend.goto(`/r/${path}`)).status(), 200);
  assert.equal(await friend.getByRole("link", { name: "Edit README" }).count(), 0);
  assert.equal((await friend.goto(`/r/${path}/-/settings`)).status(), 403);
  await friend.goto(`/r/${path}/-/comments`);
  await friend.getByLabel("Write a comment").fill("Thank you for letting me in.");
  await friend.getByRole("button", { name: "Post comment" }).click();
  await friend.getByText("Thank you for letting me in.").first().waitFor();
  assert.equal(await pull(portal.hub, people.friend, path, "1.0"), 200);
  await assert.rejects(push(portal.hub, people.friend, path, "1.1"));

  await owner.getByRole("button", { name: "Remove friend" }).click();
  await owner.getByText("No collaborators yet").waitFor();
  assert.equal((await friend.goto(`/r/${path}`)).status(), 404);
  assert.notEqual(await pull(portal.hub, people.friend, path, "1.0"), 200);
});

portal.eitherWay("a repository is renamed by its owner, and its old name leads on", async (t, how) => {
  const path = await pushed(how, "old");
  const page = await portal.open(t, { ...how, as: people.owner });
  await page.goto(`/r/${path}/-/settings/danger`);
  await page.getByLabel("New name").fill("Not A Name");
  await page.getByRole("button", { name: "Rename repository" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("New name").inputValue(), "Not A Name");
  const renamed = path.replace("old", "new");
  await page.getByLabel("New name").fill(renamed.replace("owner/", ""));
  await page.getByRole("button", { name: "Rename repository" }).click();
  await page.waitForURL((url) => url.pathname === `/r/${renamed}`);
  await page.goto(`/r/${path}/-/tags`);
  assert.equal(new URL(page.url()).pathname, `/r/${renamed}/-/tags`);
});

portal.eitherWay("a repository is deleted only by who types its name", async (t, how) => {
  const path = await pushed(how, "doomed");
  const page = await portal.open(t, { ...how, as: people.owner });
  await page.goto(`/r/${path}/-/settings/danger`);
  const button = page.getByRole("button", { name: "Delete repository" });
  await page.locator("#confirm").fill("owner/another");
  if (how.javascript) {
    await page.locator("html[data-islands=awake]").waitFor({ state: "attached" });
    await page.locator("#confirm").fill("owner/another-one");
    assert.ok(await button.isDisabled());
  } else {
    await button.click();
    await page.getByRole("alert").waitFor();
  }
  assert.equal((await page.request.get(`/r/${path}`)).status(), 200);

  await page.locator("#confirm").fill(path);
  await button.click();
  await page.waitForURL((url) => url.pathname === "/u/owner");
  assert.ok(await page.getByText(`${path} was deleted.`).isVisible());
  assert.equal((await page.goto(`/r/${path}`)).status(), 404);
});

portal.eitherWay("a tag is deleted only by who types its name", async (t, how) => {
  const path = await pushed(how, "tagged");
  await push(portal.hub, people.owner, path, "2.0");
  const page = await portal.open(t, { ...how, as: people.owner });
  await page.goto(`/r/${path}/-/tags/1.0`);
  await page.locator("#confirm").fill("1.0");
  await page.getByRole("button", { name: "Delete tag" }).click();
  await page.waitForURL((url) => url.pathname === `/r/${path}/-/tags`);
  assert.ok(await page.getByText("Tag 1.0 was deleted.").isVisible());
  assert.equal(await page.getByRole("link", { name: "1.0", exact: true }).count(), 0);
  assert.ok(await page.getByRole("link", { name: "2.0", exact: true }).isVisible());
});

portal.eitherWay("a token is shown once, works as a password within its scopes, and ends when revoked", async (t, how) => {
  const path = await pushed(how, "scoped");
  const label = `crane ${how.javascript ? "one" : "two"}`;
  const page = await portal.open(t, { ...how, as: people.owner });
  await page.goto("/settings/tokens");
  await page.getByLabel("Name", { exact: true }).fill(label);
  await page.getByLabel(/Scopes/).fill("no scope at all");
  await page.getByRole("button", { name: "Create token" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), label);
  assert.equal(await page.getByLabel(/Scopes/).inputValue(), "no scope at all");

  await page.getByLabel(/Scopes/).fill(`${path}:pull`);
  await page.getByRole("button", { name: "Create token" }).click();
  const secret = await page.locator(".notice code").first().textContent();
  const robot = { name: "owner", password: secret };
  assert.equal(await pull(portal.hub, robot, path, "1.0"), 200);
  await assert.rejects(push(portal.hub, robot, path, "1.1"), "the scope is pull alone");

  await page.goto("/settings/tokens");
  assert.ok(!(await page.content()).includes(secret), "the secret is shown once");
  await page.getByRole("button", { name: `Revoke ${label}` }).click();
  await page.getByText("The token was revoked and no longer works.").waitFor();
  assert.equal((await token(portal.hub, robot, path, "pull")).status, 401);
});
