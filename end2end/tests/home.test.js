// The home page, and the page of an unknown URL, for visitors who are not signed in.

import assert from "node:assert/strict";
import test from "node:test";
import { accessible, portrait } from "../lib/browser.js";
import { house } from "../lib/house.js";

const portal = house();

test("the front page greets a visitor and offers a search", async (t) => {
  const page = await portal.open(t);
  const answer = await page.goto("/");
  assert.equal(answer.status(), 200);
  assert.match(await page.title(), /Portolan/);
  assert.ok(await page.getByRole("searchbox").first().isVisible());
  await portrait(page, "home");
  await accessible(page, "home");
});

test("the front page says the same without JavaScript", async (t) => {
  const page = await portal.open(t, { javascript: false });
  const answer = await page.goto("/");
  assert.equal(answer.status(), 200);
  assert.ok(await page.getByRole("searchbox").first().isVisible());
});

test("an unknown address is answered with a page that leads on", async (t) => {
  const page = await portal.open(t);
  const answer = await page.goto("/there/is/no/such/page");
  assert.equal(answer.status(), 404);
  assert.ok(await page.getByRole("link").first().isVisible());
});
