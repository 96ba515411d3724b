// One hub and one browser for a test file, both gone when its tests are.

import { after, before } from "node:test";
import { openPage, startBrowser } from "./browser.js";
import { startHub } from "./hub.js";

/** Registers the file's hooks; what it returns is ready inside tests. */
export function house(options = {}) {
  const parts = {
    hub: null,
    browser: null,
    /** Opens a page of the hub for this test; the options are those of `openPage`. */
    open: (t, more) => openPage(t, parts.browser, parts.hub.url, more),
  };
  before(async () => {
    parts.hub = await startHub(options);
    parts.browser = await startBrowser();
  });
  after(async () => {
    await parts.browser?.close();
    await parts.hub?.stop();
  });
  return parts;
}
