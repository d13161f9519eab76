/** Cookies on requests: those of the network's jar are sent, and what servers set is kept there. The jar is loaded when it is needed. */

import type { Field } from '../http/fields.js';
import { onDemand } from '../worker/demand.js';
import type { CookieJar } from './types.js';

export class RequestCookies {
  readonly #jar: () => Promise<CookieJar>;

  /** `true`: a jar of its own. */
  constructor(given: true | CookieJar) {
    this.#jar = onDemand(async () => (given === true ? new (await import('./jar.js')).CookieJar() : given));
  }

  /** The headers of a request, with its cookies, unless the program has said which. */
  async added(headers: Headers, url: URL): Promise<Headers> {
    const cookies = headers.has('cookie') ? '' : await (await this.#jar()).getCookieString(url.href);
    if (cookies === '') {
      return headers;
    }
    const all = new Headers(headers);
    all.set('cookie', cookies);
    return all;
  }

  /** Keeps what an answer sets. */
  async keep(answer: Field[], url: URL): Promise<void> {
    for (const [name, value] of answer) {
      if (name === 'set-cookie') {
        const jar = await this.#jar();
        await Promise.resolve()
          .then(() => jar.setCookie(value, url.href))
          .catch(() => {});
      }
    }
  }
}
