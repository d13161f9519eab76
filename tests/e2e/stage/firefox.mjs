/**
 * Firefox as its makers ship it, by WebDriver BiDi. Playwright drives only a Firefox of its own, so Puppeteer does it, and what the tests
 * use of Playwright is made of that here.
 */
import puppeteer from 'puppeteer-core';

const names = { warn: 'warning' };

export async function launchFirefox() {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX || '/usr/bin/firefox-esr',
    headless: true,
    protocolTimeout: 300_000,
  });
  return {
    async newPage({ viewport }) {
      const page = await browser.newPage();
      await page.setViewport(viewport);
      return new Page(page);
    },
    close: () => browser.close(),
  };
}

class Page {
  #page;

  constructor(page) {
    this.#page = page;
  }

  on(event, hear) {
    this.#page.on(event, (what) => {
      hear(event === 'console' ? { type: () => names[what.type()] ?? what.type(), text: () => what.text() } : what);
    });
  }

  goto(address) {
    return this.#page.goto(address);
  }

  evaluate(act, argument) {
    return this.#page.evaluate(act, argument);
  }

  evaluateHandle(act, argument) {
    return this.#page.evaluateHandle(act, argument);
  }

  waitForFunction(ask, argument, options) {
    return this.#page.waitForFunction(ask, options, argument);
  }

  locator(selector) {
    const find = (visible) => this.#page.waitForSelector(selector, { visible });
    return {
      waitFor: (options) => this.#page.waitForSelector(selector, { visible: true, ...options }),
      press: async (key) => (await find(true)).press(key),
      textContent: async () => (await find(false)).evaluate((element) => element.textContent),
      getAttribute: async (name) => (await find(false)).evaluate((element, name) => element.getAttribute(name), name),
      fill: async (text) => {
        const put = (element, text) => {
          element.value = text;
          element.dispatchEvent(new Event('input', { bubbles: true }));
        };
        await (await find(true)).evaluate(put, text);
      },
    };
  }

  close() {
    return this.#page.close();
  }
}
