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
      // Each with a storage of its own, as Playwright's have.
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport(viewport);
      return new Page(page, context);
    },
    close: () => browser.close(),
  };
}

class Page {
  #page;
  #context;

  constructor(page, context) {
    this.#page = page;
    this.#context = context;
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

  locator(css) {
    return new Locator(this.#page, [{ css }]);
  }

  getByRole(role, options) {
    return new Locator(this.#page, []).getByRole(role, options);
  }

  get keyboard() {
    const { keyboard } = this.#page;
    return {
      /** A key, with others that are held meanwhile: `Control+c`. */
      async press(keys) {
        const held = keys.split('+');
        const key = held.pop();
        for (const other of held) await keyboard.down(other);
        await keyboard.press(key);
        for (const other of held) await keyboard.up(other);
      },
      insertText: (text) => this.#page.evaluate((text) => void document.execCommand('insertText', false, text), text),
    };
  }

  get mouse() {
    return { dblclick: (x, y) => this.#page.mouse.click(x, y, { count: 2 }) };
  }

  setViewportSize(viewport) {
    return this.#page.setViewport(viewport);
  }

  /** Firefox asks nobody for what the tests do with the clipboard. */
  context() {
    return { grantPermissions: async () => {} };
  }

  close() {
    return this.#context.close();
  }
}

/** What {@link look} finds of a page, once it is there. */
class Locator {
  #page;
  #steps;

  constructor(page, steps) {
    this.#page = page;
    this.#steps = steps;
  }

  locator(css) {
    return this.#with({ css });
  }

  /** Buttons are the only role that the tests ask for. */
  getByRole(role, { name }) {
    return this.#with({ role, name });
  }

  getByLabel(label) {
    return this.#with({ label });
  }

  filter({ hasText }) {
    return this.#with(hasText instanceof RegExp ? { pattern: hasText.source } : { text: hasText });
  }

  async waitFor({ timeout } = {}) {
    await this.#find(true, timeout);
  }

  async click() {
    await (await this.#find()).click();
  }

  async focus() {
    await (await this.#find()).focus();
  }

  async press(key) {
    await (await this.#find()).press(key);
  }

  async fill(text) {
    await this.#put(text, 'input');
  }

  async selectOption(value) {
    await this.#put(value, 'input', 'change');
  }

  async textContent() {
    return (await this.#find(false)).evaluate((element) => element.textContent);
  }

  async inputValue() {
    return (await this.#find(false)).evaluate((element) => element.value);
  }

  async getAttribute(name) {
    return (await this.#find(false)).evaluate((element, name) => element.getAttribute(name), name);
  }

  async boundingBox() {
    return (await this.#find()).boundingBox();
  }

  #with(step) {
    return new Locator(this.#page, [...this.#steps, step]);
  }

  async #put(value, ...events) {
    const put = (element, value, events) => {
      element.value = value;
      for (const event of events) element.dispatchEvent(new Event(event, { bubbles: true }));
    };
    await (await this.#find()).evaluate(put, value, events);
  }

  async #find(visible = true, timeout = 30_000) {
    try {
      return (await this.#page.waitForFunction(look, { timeout }, this.#steps, visible)).asElement();
    } catch (error) {
      throw new Error(`no ${JSON.stringify(this.#steps)} within ${timeout} ms`, { cause: error });
    }
  }
}

/** In the page: the first element that is at the end of the steps, and visible if it has to be. */
function look(steps, visible) {
  let found = [document];
  for (const { css, role, name, label, text, pattern } of steps) {
    const below = (selector) => found.flatMap((root) => [...root.querySelectorAll(selector)]);
    if (css) found = below(css);
    else if (role) found = below(role).filter(({ ariaLabel, textContent }) => (ariaLabel ?? textContent.trim()) === name);
    else if (label) found = below('input').filter(({ labels }) => [...labels].some((each) => each.textContent.includes(label)));
    else if (text) found = found.filter(({ textContent }) => textContent.includes(text));
    else found = found.filter(({ textContent }) => new RegExp(pattern).test(textContent));
  }
  return found.find((element) => !visible || (element.checkVisibility() && element.getBoundingClientRect().width > 0)) ?? null;
}
