// Accounts: the first administrator, sign-up, sign-in, sign-out, profile and password.

import assert from "node:assert/strict";
import test from "node:test";
import { signIn } from "../lib/browser.js";
import { house } from "../lib/house.js";

const portal = house();
const founder = { name: "founder", password: "the first of many" };

async function enrol(page, { name, email = `${name}@example.org`, password }) {
  await page.getByLabel("Username", { exact: true }).fill(name);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
}

test("the set-up link makes the first administrator, and works once", async (t) => {
  const page = await portal.open(t, { javascript: false });
  const [link] = portal.hub.log().match(/\/setup\?token=[\w-]+/);
  await page.goto(link);
  await enrol(page, founder);
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.waitForURL((url) => url.pathname === "/");
  assert.ok(await page.getByLabel("Account menu for founder").isVisible());

  const again = await page.goto(link);
  assert.equal(again.status(), 403);
  assert.ok(await page.getByText("no longer valid").isVisible());
  assert.equal(await page.getByLabel("Password").count(), 0);
});

portal.eitherWay("who signs up is signed in, and a refused form keeps what was typed", async (t, how) => {
  const name = how.javascript ? "willa" : "wilma";
  const page = await portal.open(t, how);
  await page.goto("/");
  await page.getByRole("link", { name: "Sign up" }).click();
  await enrol(page, { name: "founder", password: "a long enough secret" });
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Username", { exact: true }).inputValue(), "founder");
  assert.equal(await page.getByLabel("Email").inputValue(), "founder@example.org");
  assert.equal(await page.getByLabel("Password").inputValue(), "", "a password does not come back");

  await enrol(page, { name, password: "short" });
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText(/8 characters/).first().waitFor();
  assert.equal(await page.getByLabel("Username", { exact: true }).inputValue(), name);

  await enrol(page, { name, password: "a long enough secret" });
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByLabel(`Account menu for ${name}`).waitFor();
});

portal.eitherWay("a wrong password is refused, keeps the name, and then the right one leads on", async (t, how) => {
  const pia = portal.hub.addUser(how.javascript ? "pia" : "piet");
  const page = await portal.open(t, how);
  await page.goto("/new");
  await page.waitForURL((url) => url.pathname === "/signin");
  await page.getByLabel("Username or email").fill(pia.name);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Username or email").inputValue(), pia.name);
  assert.equal(await page.getByLabel("Password").inputValue(), "");

  await page.getByLabel("Password").fill(pia.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/new");
});

portal.eitherWay("who signs out is a visitor again, everywhere", async (t, how) => {
  const oda = portal.hub.addUser(how.javascript ? "oda" : "odo");
  const page = await portal.open(t, how);
  await signIn(page, oda);
  await page.getByLabel(`Account menu for ${oda.name}`).click();
  const cookies = await page.context().cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign up" }).waitFor();

  await page.context().addCookies(cookies);
  await page.goto("/settings/profile");
  assert.equal(new URL(page.url()).pathname, "/signin", "the old session is over, not only forgotten");
});

portal.eitherWay("a profile is what others see, and a new password replaces the old", async (t, how) => {
  const una = portal.hub.addUser(how.javascript ? "una" : "udo");
  const page = await portal.open(t, { ...how, as: una });
  await page.goto("/settings/profile");
  await page.getByLabel(/Display name/).fill("Una of the <b>Lights</b>");
  await page.getByLabel(/Bio/).fill("Night shift.");
  await page.getByRole("button", { name: "Save profile" }).click();
  await page.getByText("Your profile was saved.").waitFor();

  await page.getByLabel("Current password").fill("not this one");
  await page.getByLabel("New password").fill("an even longer secret");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Current password").fill(una.password);
  await page.getByLabel("New password").fill("an even longer secret");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password was changed.").waitFor();

  const visitor = await portal.open(t, how);
  await visitor.goto(`/u/${una.name}`);
  assert.equal(await visitor.getByRole("heading", { level: 1 }).textContent(), "Una of the <b>Lights</b>");
  assert.ok(await visitor.getByText("Night shift.").isVisible());
  await signIn(visitor, { ...una, password: "an even longer secret" });
});
