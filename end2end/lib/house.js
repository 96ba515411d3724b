// One hub and one browser for a test file, both gone when its tests are.

import test, { after, before } from "node:test";
import { openPage, signIn, startBrowser } from "./browser.js";
import { startHub } from "./hub.js";

/**
 * Registers the file's hooks; what it returns is ready inside tests. `prepare` is given the running hub before any test
 * is, the other options are those of `startHub`.
 */
export function house({ prepare = () => {}, ...options } = {}) {
  const sessions = new Map();
  const parts = {
    hub: null,
    browser: null,
    /**
     * Opens a page of the hub for this test; the options are those of `openPage`, and `as`: the account
     * that is signed in there. An account signs in once for the whole file.
     */
    async open(t, { as, ...more } = {}) {
      const page = await openPage(t, parts.browser, parts.hub.url, more);
      if (!as) return page;
      const kept = sessions.get(as.name);
      if (kept) {
        await page.context().addCookies(kept);
      } else {
        await signIn(page, as);
        sessions.set(as.name, await page.context().cookies());
      }
      return page;
    },
    /**
     * Registers a test twice, with JavaScript and without; its second argument are the
     * options that open a page so.
     */
    eitherWay(name, body) {
      for (const script of [false, true]) {
        test(`${name}, ${script ? "with" : "without"} JavaScript`, (t) => body(t, { javascript: script }));
      }
    },
  };
  before(async () => {
    [parts.hub, parts.browser] = await Promise.all([startHub(options), startBrowser()]);
    await prepare(parts.hub);
  });
  after(async () => {
    await parts.browser?.close();
    await parts.hub?.stop();
  });
  return parts;
}
