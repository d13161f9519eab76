/** Chromium under Playwright, or Firefox (BROWSER=firefox), and pages of the relay in it. */
import { chromium } from 'playwright-core';
import { launchFirefox } from './firefox.mjs';
import { page as relayPage } from './relay.mjs';

export const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

export const inFirefox = process.env.BROWSER === 'firefox';

export class Browser {
  #browser;

  static async start() {
    const browser = new Browser();
    const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
    browser.#browser = await (inFirefox ? launchFirefox() : chromium.launch({ executablePath, args: flags }));
    return browser;
  }

  /** A tab on the page of the relay, or at another `address`; it collects what the page complains of in `tab.complaints`. */
  async open({
    address = relayPage,
    query = '',
    online = true,
    viewport = { width: 1440, height: 900 },
    colorScheme = 'light',
  } = {}) {
    const page = await this.#browser.newPage({ viewport, colorScheme });
    const tab = { page, complaints: [] };
    page.on('pageerror', (error) => tab.complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) tab.complaints.push(message.text());
    });
    await page.goto(address + query);
    if (online) await reached(page, 'names', 'ok');
    return tab;
  }

  async stop() {
    await this.#browser?.close();
  }
}

/** Waits until the network is in a state; if it never is, says how it stands. */
export async function became(page, state, timeout = 20_000) {
  try {
    await page.waitForFunction((wanted) => net.status.state === wanted, state, { timeout });
  } catch (error) {
    const status = await page.evaluate(() => JSON.stringify(net.status, null, 1));
    throw new Error(`not ${state} within ${timeout} ms: ${status}`, { cause: error });
  }
}

/** Waits until a rung of the ladder is in a state. */
export async function reached(page, step, state, timeout = 20_000) {
  await page.locator(`#ladder [data-step="${step}"][data-state="${state}"]`).waitFor({ timeout });
}
