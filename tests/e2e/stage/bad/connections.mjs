/** Requests with bodies, and connections that are used again, or should not be. */

/** An answer to what nobody has asked yet. */
const injected = 'HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 5\r\n\r\nfalse';

const said = async (exchange) => {
  await exchange.body();
  exchange.plain('200 OK', exchange.record.body ?? '');
};

const upload = (body, more = {}) => ({ init: { method: 'POST', body, ...more }, answer: said });

/** The first answer of a connection is fine; the second request meets `second`. */
const second = (method, second) => ({
  times: 2,
  init: { method, ...(method === 'POST' || method === 'PUT' ? { body: { text: 'x' } } : {}) },
  async answer(exchange) {
    await exchange.body();
    if (exchange.asked === 2) await second(exchange);
    else exchange.plain('200 OK', `asked ${exchange.asked} times`);
  },
});

export const connections = {
  'a text': upload({ text: 'gr\u00fc\u00dfe' }),
  'an empty text': upload({ text: '' }),
  'no body to POST': { init: { method: 'POST' }, answer: said },
  bytes: upload({ bytes: 10 }),
  'a buffer': upload({ buffer: 3 }),
  'two megabytes': upload({ bytes: 2 << 20 }),
  'a blob with a type': upload({ blob: ['hello', 'image/png'] }),
  'a blob without one': upload({ blob: ['hello', ''] }),
  parameters: upload({
    params: [
      ['a', '1 2'],
      ['b', '&='],
    ],
  }),
  'a stream': upload({ stream: ['one', 'two', 'three'] }, { duplex: 'half' }),
  'an empty stream': upload({ stream: [] }, { duplex: 'half' }),
  'a stream without duplex': upload({ stream: ['one'] }),
  'a type of its own': upload({ text: '{}' }, { headers: { 'Content-Type': 'application/json' } }),
  'a body to GET': { init: { method: 'GET', body: { text: 'x' } }, answer: said },
  'a method that is none': { init: { method: 'G T' }, answer: said },
  TRACE: { init: { method: 'TRACE' }, answer: said },
  'a method in small letters': { init: { method: 'put', body: { text: 'x' } }, answer: said },
  'a header that is none': { init: { headers: { 'X A': '1' } }, answer: said },
  'a header with a line end': { init: { headers: { 'X-A': '1\r\nX-B: 2' } }, answer: said },
  '413 while the body is under way': {
    init: { method: 'POST', body: { bytes: 32 << 20 } },
    async answer(exchange) {
      exchange.plain('413 Too Large', 'enough', 'Connection: close');
      exchange.end();
      await exchange.drain();
    },
  },
  'two requests, one connection': {
    times: 2,
    answer: (exchange) => exchange.plain('200 OK', exchange.count > 1 ? 'again' : 'first'),
  },
  'Connection: close': {
    times: 2,
    answer: (exchange) => exchange.plain('200 OK', exchange.count > 1 ? 'again' : 'first', 'Connection: close'),
  },
  'closed at once, though kept alive': {
    times: 3,
    answer: (exchange) => {
      exchange.plain('200 OK', 'closed');
      exchange.end();
    },
  },
  'more behind an answer is not the next one': {
    times: 2,
    answer: (exchange) => exchange.together(() => exchange.plain('200 OK', 'true'), injected),
  },
  'more behind a 204 is not the next answer': {
    times: 2,
    answer: (exchange) => exchange.together(() => exchange.head('204 No Content'), injected),
  },
};
for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'POST']) {
  connections[`closed under the second ${method}`] = second(method, (exchange) => exchange.end());
  connections[`reset under the second ${method}`] = second(method, (exchange) => exchange.reset());
}
