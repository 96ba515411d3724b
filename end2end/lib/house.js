// A hub and a browser for a test file, which are stopped after its last test.

import test, { after, before } from "node:test";
import { openPage, signIn, startBrowser } from "./browser.js";
import { startHub } from "./hub.js";

/**
 * Registers the hooks of a test file. The returned object can be used inside tests. `prepare` is called with the
 * running hub before the first test; the other options are those of `startHub`.
 */
export function house({ prepare = () => {}, ...options } = {}) {
  const sessions = new Map();
  const parts = {
    hub: null,
    browser: null,
    /**
     * Opens a page of the hub for this test. The options are those of `openPage`, and `as`, the account
     * to sign in with. Each account signs in once per file.
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
     * Registers a test twice, with and without JavaScript. The second argument of `body` contains the
     * options to open a page that way.
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
