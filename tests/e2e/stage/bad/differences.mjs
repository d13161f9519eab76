/**
 * Where our fetch and another differ, and why that is as it should be. `from`: `browser` is whichever browser runs, `firefox` Firefox
 * beside that. `ours`: what ours does then, if that is not what the case would have done without its fault.
 */

const failed = { error: 'TypeError' };
const brokeOff = { bodyError: 'TypeError' };
const head = ['error'];
const body = ['body', 'bodyError'];
const more = ['error', 'asked'];

const all = (group, ...names) => names.map((name) => `${group}: ${name}`);

/** What ours does not take. */
const stricter = [
  {
    why: 'RFC 9112 §6.3, fifth case: of an answer with such a length the connection is closed and the answer discarded',
    from: ['browser'],
    fields: head,
    ours: failed,
    cases: all('messages', 'a length that is none', 'a length below nothing', 'a length with a sign', 'an empty length'),
  },
  {
    why: 'RFC 9112 §6.1, §7: no other coding is asked for (TE), and bytes in one that nobody undid are not the content',
    from: ['browser', 'node'],
    fields: head,
    ours: failed,
    cases: all('messages', 'unknown transfer coding', 'identity as transfer coding', 'chunked said twice'),
  },
  {
    why: 'RFC 9112 §4: what begins otherwise is not HTTP/1',
    from: ['browser', 'node'],
    fields: head,
    ours: failed,
    cases: all(
      'messages',
      'a status of 99',
      'a status of four digits',
      'a status of letters',
      'HTTP/2 in letters',
      'lower case http',
      'white space before the status',
    ),
  },
  {
    why: 'RFC 9112 §2.2, §5.1 and RFC 9110 §5.5: such a line is no field, and who sends it may mean to smuggle one',
    from: ['browser', 'node'],
    fields: head,
    ours: failed,
    cases: all(
      'messages',
      'a bare CR in a value',
      'a control character in a value',
      'a field without a colon',
      'a field without a name',
      'white space before the colon',
      'white space in a name',
    ),
  },
  {
    why: 'RFC 9110 §9.2.2: what is not idempotent is not sent again by itself',
    from: ['browser'],
    fields: more,
    ours: failed,
    cases: all('connections', 'closed under the second POST', 'reset under the second POST'),
  },
  {
    why: 'what has no end, or a wrong sum, is not handed out as if it were whole',
    from: ['browser', 'node'],
    fields: body,
    ours: brokeOff,
    cases: all('codings', 'gzip, cut short', 'gzip without its sum', 'gzip, a wrong sum', 'zstd, cut short'),
  },
  {
    why: "the Compression standard's decoders end with an error at bytes behind the first member; the browser's fetch drops them",
    from: ['browser', 'node'],
    fields: body,
    ours: brokeOff,
    cases: all('codings', 'gzip, two members', 'gzip, more behind', 'gzip, zeros behind'),
  },
];

/** What ours can do, or cannot. */
const capable = [
  {
    why: "this browser's pages have no decoder of br, and a copy of one would be too large: it is not asked for, and comes as it is",
    from: ['browser', 'node'],
    fields: ['body'],
    cases: all('codings', 'br'),
  },
  {
    why: 'Node has no zstd before 22.15',
    from: ['node'],
    fields: body,
    cases: all('codings', 'zstd', 'zstd, two frames', 'zstd, dripped', 'zstd that is none', 'gzip and zstd'),
  },
  {
    why: 'browsers send streams over HTTP/2 alone',
    from: ['browser'],
    fields: more,
    cases: [...all('connections', 'a stream', 'an empty stream'), ...all('redirects', 'of a stream', 'of a stream, by 303')],
  },
  {
    why: 'without an origin there is nobody to hide a redirect from: "manual" gives the answer itself, as in Node',
    from: ['browser'],
    fields: ['status', 'statusText', 'headers', 'body'],
    ours: { status: 302, body: 'over there' },
    cases: all('redirects', 'by hand'),
  },
];

/** What Node does not take, or takes otherwise, and browsers do as ours. */
const nodes = [
  {
    why: 'its parser is stricter than RFC 9112 §2.2, §2.6, §6.3 and §7.1 ask for',
    from: ['node'],
    fields: [...head, ...body],
    cases: all(
      'messages',
      'chunk sizes with white space behind',
      'chunk extensions',
      'chunks behind bare LF',
      'chunked and a length',
      'a length twice',
      'a length twice in one line',
      'another minor version',
      'bare LF',
    ),
  },
  {
    why: 'it takes 16 KiB of fields',
    from: ['node'],
    fields: head,
    cases: all('messages', 'a head of 100 KiB'),
  },
  {
    why: 'it fails on an interim answer to what did not ask for one (RFC 9110 §15.2)',
    from: ['node'],
    fields: head,
    cases: all('messages', '100 before the answer'),
  },
  {
    why: 'it leaves white space in values, takes status texts for UTF-8, and loses one that comes slowly',
    from: ['node'],
    fields: ['statusText', 'headers'],
    cases: all('messages', 'slow head', 'a status text beyond ASCII', 'a folded value', 'white space around values'),
  },
  {
    why: 'when it uses a connection again is its own affair',
    from: ['node'],
    fields: ['body'],
    cases: all('connections', 'two requests, one connection', 'Connection: close', 'closed at once, though kept alive'),
  },
  {
    why: 'it sends nothing again by itself',
    from: ['node'],
    fields: [...more, 'body'],
    cases: ['GET', 'HEAD', 'PUT', 'DELETE'].flatMap((method) =>
      all('connections', `closed under the second ${method}`, `reset under the second ${method}`),
    ),
  },
  {
    why: 'it takes Location as it is, white space and all, and where there are several, all of them for one',
    from: ['node'],
    fields: ['error', 'headers', 'url', 'body', 'asked'],
    cases: all(
      'redirects',
      'to an empty Location',
      'with white space around Location',
      'to one place, said twice',
      'to two places',
      'as an error, without Location',
    ),
  },
  {
    why: 'it wants to read the body of a redirect to its end',
    from: ['node'],
    fields: more,
    cases: all('redirects', 'with a body cut short', 'with a body without end'),
  },
  {
    why: 'it writes forms with an empty line at the end',
    from: ['node'],
    fields: ['asked'],
    cases: all('redirects', 'of a form'),
  },
];

/** What Firefox does otherwise than Chromium and ours. */
const firefoxes = [
  {
    why: 'a body that breaks off is a network error, whose name is TypeError (Fetch, "terminated"); Firefox says AbortError',
    from: ['firefox'],
    fields: body,
    ours: brokeOff,
    cases: [...all('messages', 'length, reset in the body'), ...all('codings', 'gzip, the connection cut')],
  },
  {
    why: 'it asks a server that answers nothing ten times',
    from: ['firefox'],
    fields: ['asked'],
    ours: failed,
    cases: all('messages', 'closed without a word'),
  },
  {
    why: 'it looks at the first chunk before it hands out the head',
    from: ['firefox'],
    fields: head,
    ours: brokeOff,
    cases: all('messages', 'chunk sizes too small', 'chunk sizes beyond 64 bits', 'chunk sizes below nothing'),
  },
  {
    why: 'RFC 9112 §7.1: a chunk size is of hexadecimal digits alone',
    from: ['firefox'],
    fields: body,
    ours: brokeOff,
    cases: all('messages', 'chunk sizes with 0x'),
  },
  {
    why: 'a name several times has its values joined, empty ones and equal ones too (Fetch, "get"; RFC 9110 §5.3)',
    from: ['firefox'],
    fields: ['headers'],
    cases: all('messages', 'a length twice', 'a name several times'),
  },
  {
    why: 'RFC 9112 §5.2: a fold is as good as white space, and which is not said',
    from: ['firefox'],
    fields: ['headers'],
    cases: all('messages', 'a folded value'),
  },
  {
    why: 'RFC 9110 §7.8: nothing may be switched to that was not asked for; §5.5: a NUL is dangerous',
    from: ['firefox'],
    fields: head,
    ours: failed,
    cases: all('messages', '101 that nobody asked for', 'a NUL in a name'),
  },
  {
    why: 'ours takes as large a head as Chromium, and as many codings',
    from: ['firefox'],
    fields: head,
    ours: failed,
    cases: [...all('messages', 'a head of 300 KiB'), ...all('codings', 'eleven times gzip')],
  },
  {
    why: 'it sends no streams: it makes strings of them',
    from: ['firefox'],
    fields: [...more, 'headers', 'body'],
    cases: all('connections', 'a stream', 'an empty stream', 'a stream without duplex'),
  },
  {
    why: 'whether deflate is raw it takes from what came first; where that is a single byte, it may take it for broken',
    from: ['firefox'],
    fields: body,
    cases: all('codings', 'deflate, raw and dripped'),
  },
  {
    why: 'what has a coding that nobody can undo comes as it is; Firefox undoes the others',
    from: ['firefox'],
    fields: ['body'],
    cases: all('codings', 'an unknown coding and gzip'),
  },
  {
    why: 'Fetch, "location URL": an empty Location is the URL itself, and ours, as Chromium, takes it for none; none is no redirect',
    from: ['firefox'],
    fields: more,
    cases: all('redirects', 'to an empty Location', 'as an error, without Location'),
  },
];

export const differences = [...stricter, ...capable, ...nodes, ...firefoxes];
