/** Redirects, as the Fetch standard has them, and as it refuses them. */

export const firstPort = 8501;
export const secondPort = 8502;

/** The other origin of whoever asks. */
const elsewhere = ({ request, token }, name) =>
  `http://${request.headers.host.split(':')[0]}:${secondPort}/${token}/${encodeURIComponent(name)}/end`;

/** Redirects once, and then says what it was asked. */
const once = (status, location, ...fields) =>
  async function answer(exchange) {
    await exchange.body();
    if (exchange.step === '') {
      const to = typeof location === 'function' ? location(exchange) : location;
      exchange.plain(`${status} Elsewhere`, 'over there', ...(to === null ? [] : [`Location: ${to}`]), ...fields);
    } else {
      exchange.plain('200 OK', `at ${exchange.step}`);
    }
  };

const here = ({ request }) => `${request.target.replace(/\/$/, '')}/end`;

const methods = {};
for (const status of [301, 302, 303, 307, 308]) {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'patch']) {
    const body =
      method === 'POST' || method === 'PUT' ? { body: { text: 'the body' }, headers: { 'Content-Language': 'en' } } : {};
    methods[`${status} to ${method}`] = { init: { method, ...body }, answer: once(status, here) };
  }
}
const loop = async (exchange) => exchange.plain('302 Found', '', `Location: ${exchange.request.target}`);
const steps = (count) => async (exchange) => {
  const step = Number(exchange.step || 0);
  if (step === count) exchange.plain('200 OK', `after ${count}`);
  else exchange.plain('302 Found', '', `Location: ${exchange.request.target.split('/').slice(0, 3).join('/')}/${step + 1}`);
};

export const redirects = {
  ...methods,
  '300 is no redirect': { answer: once(300, here) },
  '304 is no redirect': { answer: async (exchange) => exchange.head('304 Not Modified', `Location: ${here(exchange)}`) },
  '305 is no redirect': { answer: once(305, here) },
  'without Location': { answer: once(302, null) },
  'to an empty Location': { answer: once(302, '') },
  'to a URL that is none': { answer: once(302, 'http://[') },
  'to a data: URL': { answer: once(302, 'data:text/plain,hello') },
  'to a blob: URL': { answer: once(302, 'blob:http://127.0.0.1/00000000-0000-0000-0000-000000000000') },
  'to a file: URL': { answer: once(302, 'file:///etc/hostname') },
  'to an unknown scheme': { answer: once(302, 'gopher://example.com/') },
  'to a relative path': { answer: once(302, 'end'), from: 'start' },
  'to a path above': { answer: once(302, '../to a path above/end') },
  'to a query': {
    answer: async (exchange) =>
      exchange.request.target.includes('?')
        ? exchange.plain('200 OK', exchange.request.target.split('?')[1])
        : exchange.plain('302 Found', '', 'Location: ?a=b'),
  },
  'with a fragment of its own': { hash: '#first', answer: once(302, (exchange) => `${here(exchange)}#second`) },
  'with the fragment before': { hash: '#first', answer: once(302, here) },
  'with bytes beyond ASCII': {
    async answer(exchange) {
      if (exchange.step === '') exchange.plain('302 Found', '', `Location: ${exchange.request.target}/caf\u00e9`);
      else exchange.plain('200 OK', exchange.step);
    },
  },
  'with white space around Location': { answer: once(302, (exchange) => `  ${here(exchange)}  `) },
  'to one place, said twice': { answer: (exchange) => once(302, here, `Location: ${here(exchange)}`)(exchange) },
  'to two places': { answer: once(302, here, 'Location: /elsewhere') },
  'to another origin': {
    init: { headers: { Authorization: 'Basic c2VjcmV0', 'X-Own': 'stays' } },
    answer: once(302, (exchange) => elsewhere(exchange, 'to another origin')),
  },
  'to the same origin, with Authorization': { init: { headers: { Authorization: 'Basic c2VjcmV0' } }, answer: once(302, here) },
  'in a circle': { answer: loop },
  'twenty times': { answer: steps(20) },
  'twenty-one times': { answer: steps(21) },
  'by hand': { init: { redirect: 'manual' }, answer: once(302, here) },
  'as an error': { init: { redirect: 'error' }, answer: once(302, here) },
  'as an error, without one': { init: { redirect: 'error' }, answer: (exchange) => exchange.plain('200 OK', 'fine') },
  'as an error, without Location': { init: { redirect: 'error' }, answer: once(302, null) },
  'with a body without end': {
    async answer(exchange) {
      if (exchange.step !== '') return exchange.plain('200 OK', 'there');
      exchange.head('302 Found', `Location: ${here(exchange)}`, 'Content-Length: 1000000000');
      exchange.write('x'.repeat(1000));
    },
  },
  'with a body cut short': {
    async answer(exchange) {
      if (exchange.step !== '') return exchange.plain('200 OK', 'there');
      exchange.head('302 Found', `Location: ${here(exchange)}`, 'Content-Length: 1000');
      exchange.write('x');
      exchange.end();
    },
  },
  'of a form': { init: { method: 'POST', body: { form: [['a', 'b']] } }, answer: once(307, here) },
  'of a stream': { init: { method: 'POST', body: { stream: ['a', 'b'] }, duplex: 'half' }, answer: once(307, here) },
  'of a stream, by 303': { init: { method: 'POST', body: { stream: ['a', 'b'] }, duplex: 'half' }, answer: once(303, here) },
};
