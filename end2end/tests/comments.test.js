// Comments on a repository: posting, replying, editing, deleting and turning them off.

import assert from "node:assert/strict";
import { house } from "../lib/house.js";

const people = {};
const portal = house({
  async prepare(hub) {
    for (const name of ["owner", "guest"]) people[name] = hub.addUser(name);
  },
});

/** Creates a public repository and returns the path of its comments page. */
async function board(how, name, more = {}) {
  name = `${name}-${how.javascript ? "with" : "without"}`;
  const given = await portal.hub.rest("POST", "/repositories", {
    as: people.owner,
    body: { namespace: "owner", name, visibility: "public" },
  });
  assert.equal(given.status, 201);
  const changed = await portal.hub.rest("PATCH", `/repositories/owner/${name}`, { as: people.owner, body: more });
  assert.equal(changed.status, 200);
  return `/r/owner/${name}/-/comments`;
}

async function write(page, label, words, act) {
  await page.getByLabel(label).fill(words);
  await page.getByRole("button", { name: act }).click();
  await page.locator(".comment", { hasText: words.replaceAll("*", "") }).first().waitFor();
}

portal.eitherWay("a comment is written, answered, changed and deleted, and its answer stays", async (t, how) => {
  const address = await board(how, "talk");
  const guest = await portal.open(t, { ...how, as: people.guest });
  const owner = await portal.open(t, { ...how, as: people.owner });
  await guest.goto(address);
  await guest.getByText("No comments yet").waitFor();
  await guest.getByLabel("Write a comment").fill("Is there an **arm64** build?");
  await guest.getByRole("button", { name: "Preview" }).click();
  await guest.locator(".preview strong").waitFor();
  await write(guest, "Write a comment", "Is there an **arm64** build?", "Post comment");
  assert.equal(await guest.locator(".comment .prose strong").textContent(), "arm64");

  await owner.goto(address);
  await owner.getByRole("link", { name: "Reply" }).click();
  await write(owner, "Your reply", "Since yesterday, yes.", "Post reply");
  assert.equal(await owner.locator(".replies .comment").count(), 1);
  assert.equal(await owner.locator(".replies .chip").textContent(), "Owner");
  assert.equal(await owner.getByRole("link", { name: "Edit" }).count(), 1, "one edits only what is one's own");

  await guest.goto(address);
  await guest.getByRole("link", { name: "Edit" }).click();
  assert.equal(await guest.getByLabel("Your comment").inputValue(), "Is there an **arm64** build?");
  await guest.getByLabel("Your comment").fill("Is there a riscv64 build?");
  await guest.getByRole("button", { name: "Save comment" }).click();
  await guest.getByText("Is there a riscv64 build?").first().waitFor();
  assert.ok(await guest.getByText(/^Edited/).isVisible());

  await guest.getByRole("link", { name: "Delete" }).click();
  await guest.getByRole("link", { name: "Cancel" }).click();
  await guest.getByRole("link", { name: "Delete" }).click();
  await guest.getByRole("button", { name: "Delete comment" }).click();
  await guest.getByText("This comment was deleted.").waitFor();
  assert.equal(await guest.getByText("riscv64").count(), 0);
  assert.ok(await guest.getByText("Since yesterday, yes.").isVisible());
});

portal.eitherWay("a comment that is refused keeps what was typed", async (t, how) => {
  const address = await board(how, "long");
  const page = await portal.open(t, { ...how, as: people.guest });
  await page.goto(address);
  const words = "knots ".repeat(3_000);
  await page.getByLabel("Write a comment").fill(words);
  await page.getByRole("button", { name: "Post comment" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Write a comment").inputValue(), words);
});

portal.eitherWay("a hostile comment is shown as harmless text", async (t, how) => {
  const address = await board(how, "hostile");
  const page = await portal.open(t, { ...how, as: people.guest });
  await page.goto(address);
  await page
    .getByLabel("Write a comment")
    .fill("<script>document.title='stolen'</script><b onmouseover=\"alert(1)\">Bold</b> [x](javascript:alert(1)) end");
  await page.getByRole("button", { name: "Post comment" }).click();
  const prose = page.locator(".comment .prose");
  await prose.getByText("Bold").waitFor();
  assert.equal(await prose.locator("script, [onmouseover], [href^=javascript]").count(), 0);
  assert.doesNotMatch(await page.title(), /stolen/);
});

portal.eitherWay("who may not comment is told why, and a visitor is led to sign in", async (t, how) => {
  const closed = await board(how, "closed", { comments: "off" });
  const members = await board(how, "members", { comments: "members" });
  const open = await board(how, "open");
  const guest = await portal.open(t, { ...how, as: people.guest });
  for (const [address, words] of [
    [closed, "Comments are closed."],
    [members, "Only people with a role"],
  ]) {
    await guest.goto(address);
    assert.ok(await guest.getByText(words).first().isVisible());
    assert.equal(await guest.getByLabel("Write a comment").count(), 0);
  }
  const visitor = await portal.open(t, how);
  await visitor.goto(open);
  await visitor.locator("main").getByRole("link", { name: "Sign in" }).click();
  await visitor.getByLabel("Username or email").fill("guest");
  await visitor.getByLabel("Password").fill(people.guest.password);
  await visitor.getByRole("button", { name: "Sign in" }).click();
  await visitor.waitForURL((url) => url.pathname === open);
  assert.ok(await visitor.getByLabel("Write a comment").isVisible());
});
