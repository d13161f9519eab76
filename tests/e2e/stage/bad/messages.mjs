/** Answers that are framed wrongly, or rarely so: heads and bodies (RFC 9112). */
import { setTimeout as pause } from 'node:timers/promises';

const chunked = 'Transfer-Encoding: chunked';
const text = 'Content-Type: text/plain';

/** Runs of bytes as a body. */
const raw =
  (head, ...parts) =>
  async (exchange) => {
    exchange.head(...head);
    exchange.write(...parts);
    exchange.end();
  };

/** A head as it is said, line ends and all. */
const head =
  (lines, body = '') =>
  async (exchange) => {
    exchange.write(lines, body);
    exchange.end();
  };
const open = 'Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: *\r\n';

const strict = 'RFC 9112 §5.1: such a line is no field, and who sends it may mean to smuggle one';

export const messages = {
  'content-length': { answer: (exchange) => exchange.plain('200 OK', 'hello', text) },
  'no body at all': { answer: (exchange) => exchange.plain('200 OK', '') },
  'length, cut short': { answer: raw(['200 OK', 'Content-Length: 10'], 'hello') },
  'length, reset in the body': {
    async answer(exchange) {
      exchange.head('200 OK', 'Content-Length: 1000000');
      exchange.write('hello');
      await exchange.reset();
    },
  },
  'reset in the head': {
    async answer(exchange) {
      exchange.write('HTTP/1.1 200 OK\r\nContent-Le');
      await exchange.reset();
    },
  },
  'closed in the head': { answer: head('HTTP/1.1 200 OK\r\nContent-Le') },
  'closed without a word': { answer: (exchange) => exchange.end() },
  'more than its length': { answer: raw(['200 OK', 'Content-Length: 5'], 'hello and more') },
  'closed by the end': { answer: raw(['200 OK', text], 'all of ', 'this') },
  'a megabyte, closed by the end': { answer: raw(['200 OK'], Buffer.alloc(1 << 20, 'x')) },
  'HTTP/1.0': { answer: head(`HTTP/1.0 200 OK\r\n${open}\r\n`, 'old') },
  'slow head': {
    async answer(exchange) {
      for (const letter of `HTTP/1.1 200 OK\r\n${open}Content-Length: 4\r\n\r\n`) {
        exchange.write(letter);
        await pause(2);
      }
      exchange.write('slow');
    },
  },
  'slow body': {
    async answer(exchange) {
      exchange.head('200 OK', 'Content-Length: 200');
      for (let index = 0; index < 200; index += 1) {
        exchange.write('s');
        await pause(2);
      }
    },
  },

  chunked: { answer: raw(['200 OK', chunked], '5\r\nhello\r\nA\r\n, chunked!\r\n0\r\n\r\n') },
  'chunked, cut short in a chunk': { answer: raw(['200 OK', chunked], 'A\r\nhello') },
  'chunked, cut short behind a chunk': { answer: raw(['200 OK', chunked], '5\r\nhello\r\n') },
  'chunked, no end of trailers': {
    answer: raw(['200 OK', chunked], '5\r\nhello\r\n0\r\n'),
  },
  'chunk sizes that are none': { answer: raw(['200 OK', chunked], 'five\r\nhello\r\n0\r\n\r\n') },
  'chunk sizes too small': { answer: raw(['200 OK', chunked], '3\r\nhello\r\n0\r\n\r\n') },
  'chunk sizes too large': { answer: raw(['200 OK', chunked], '8\r\nhello\r\n0\r\n\r\n') },
  'chunk sizes beyond 64 bits': { answer: raw(['200 OK', chunked], 'FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n') },
  'chunk sizes below nothing': { answer: raw(['200 OK', chunked], '-5\r\nhello\r\n0\r\n\r\n') },
  'chunk sizes with 0x': { answer: raw(['200 OK', chunked], '0x5\r\nhello\r\n0\r\n\r\n') },
  'chunk sizes with zeros before': { answer: raw(['200 OK', chunked], '00005\r\nhello\r\n000\r\n\r\n') },
  'chunk sizes with white space behind': { answer: raw(['200 OK', chunked], '5  \r\nhello\r\n0\r\n\r\n') },
  'chunk extensions': { answer: raw(['200 OK', chunked], '5;name=value;other="a;b"\r\nhello\r\n0;last\r\n\r\n') },
  'chunks behind bare LF': { answer: raw(['200 OK', chunked], '5\nhello\n0\n\n') },
  trailers: { answer: raw(['200 OK', chunked, 'Trailer: X-Sum'], '5\r\nhello\r\n0\r\nX-Sum: 5\r\nX-More: yes\r\n\r\n') },
  'chunked said twice': { answer: raw(['200 OK', chunked, chunked], '5\r\nhello\r\n0\r\n\r\n') },
  'chunked in capitals': { answer: raw(['200 OK', 'Transfer-Encoding: CHUNKED'], '5\r\nhello\r\n0\r\n\r\n') },
  'identity as transfer coding': { answer: raw(['200 OK', 'Transfer-Encoding: identity', 'Content-Length: 5'], 'hello') },
  'unknown transfer coding': { answer: raw(['200 OK', 'Transfer-Encoding: rot13'], 'uryyb') },
  'chunked and a length': { answer: raw(['200 OK', 'Content-Length: 3', chunked], '5\r\nhello\r\n0\r\n\r\n') },
  'two lengths': { answer: raw(['200 OK', 'Content-Length: 5', 'Content-Length: 6'], 'hello') },
  'a length twice': { answer: raw(['200 OK', 'Content-Length: 5', 'Content-Length: 5'], 'hello') },
  'a length twice in one line': { answer: raw(['200 OK', 'Content-Length: 5, 5'], 'hello') },
  'two lengths in one line': { answer: raw(['200 OK', 'Content-Length: 5, 6'], 'hello') },
  'a length that is none': { answer: raw(['200 OK', 'Content-Length: five'], 'hello') },
  'a length below nothing': { answer: raw(['200 OK', 'Content-Length: -5'], 'hello') },
  'a length with a sign': { answer: raw(['200 OK', 'Content-Length: +5'], 'hello') },
  'an empty length': { answer: raw(['200 OK', 'Content-Length:'], 'hello') },

  'HEAD with a length': { init: { method: 'HEAD' }, answer: raw(['200 OK', 'Content-Length: 5']) },
  'HEAD with a body': { init: { method: 'HEAD' }, answer: raw(['200 OK', 'Content-Length: 5'], 'hello') },
  '204 with a body': { answer: raw(['204 No Content', 'Content-Length: 5'], 'hello') },
  '204 with chunks': { answer: raw(['204 No Content', chunked], '5\r\nhello\r\n0\r\n\r\n') },
  '205 with a body': { answer: raw(['205 Reset Content', 'Content-Length: 5'], 'hello') },
  '304 with a length': { answer: raw(['304 Not Modified', 'Content-Length: 5']) },
  '304 with a body': { answer: raw(['304 Not Modified', 'Content-Length: 5'], 'hello') },
  '100 before the answer': {
    async answer(exchange) {
      exchange.write('HTTP/1.1 100 Continue\r\n\r\n');
      exchange.plain('200 OK', 'hello');
    },
  },
  '103 before the answer': {
    async answer(exchange) {
      exchange.write('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'.repeat(2));
      exchange.plain('200 OK', 'hello');
    },
  },
  '100 and then nothing': { answer: head('HTTP/1.1 100 Continue\r\n\r\n') },
  '101 that nobody asked for': { answer: head(`HTTP/1.1 101 Switching Protocols\r\n${open}Upgrade: other\r\n\r\n`, 'other') },

  'no status text': { answer: head(`HTTP/1.1 200\r\n${open}Content-Length: 5\r\n\r\n`, 'hello') },
  'an empty status text': { answer: head(`HTTP/1.1 200 \r\n${open}Content-Length: 5\r\n\r\n`, 'hello') },
  'a status text beyond ASCII': {
    answer: head(Buffer.from(`HTTP/1.1 200 Sch\xf6n\r\n${open}Content-Length: 5\r\n\r\nhello`, 'latin1')),
  },
  'a status of 299': { answer: (exchange) => exchange.plain('299 Fine', 'hello') },
  'a status of 599': { answer: (exchange) => exchange.plain('599 Odd', 'hello') },
  'a status of 600': { answer: (exchange) => exchange.plain('600 Beyond', 'hello') },
  'a status of 999': { answer: (exchange) => exchange.plain('999 Beyond', 'hello') },
  'a status of 99': { answer: (exchange) => exchange.plain('99 Below', 'hello') },
  'a status of four digits': { answer: (exchange) => exchange.plain('2000 Many', 'hello') },
  'a status of letters': { answer: (exchange) => exchange.plain('abc Fine', 'hello') },
  'no HTTP at all': { answer: head('SSH-2.0-OpenSSH_9.2p1\r\n\r\n') },
  'HTTP/2 in letters': { answer: head(`HTTP/2.0 200 OK\r\n${open}Content-Length: 5\r\n\r\n`, 'hello') },
  'another minor version': { answer: head(`HTTP/1.5 200 OK\r\n${open}Content-Length: 5\r\n\r\n`, 'hello') },
  'lower case http': { answer: head(`http/1.1 200 OK\r\n${open}Content-Length: 5\r\n\r\n`, 'hello') },
  'white space before the status': { answer: head(`HTTP/1.1  200 OK\r\n${open}Content-Length: 5\r\n\r\n`, 'hello') },
  'an empty line before the status': { answer: head(`\r\nHTTP/1.1 200 OK\r\n${open}Content-Length: 5\r\n\r\n`, 'hello') },
  'bare LF': { answer: head(`HTTP/1.1 200 OK\n${open.replaceAll('\r', '')}Content-Length: 5\n\n`, 'hello') },
  'a bare CR in a value': { answer: raw(['200 OK', 'X-A: one\rX-B: two', 'Content-Length: 5'], 'hello') },
  'a folded value': { answer: raw(['200 OK', 'X-A: one\r\n  two\r\n\tthree', 'Content-Length: 5'], 'hello') },
  'a NUL in a value': { answer: raw(['200 OK', 'X-A: o\0ne', 'Content-Length: 5'], 'hello') },
  'a NUL in a name': { answer: raw(['200 OK', 'X-\0A: one', 'Content-Length: 5'], 'hello') },
  'a control character in a value': { answer: raw(['200 OK', 'X-A: o\x01ne', 'Content-Length: 5'], 'hello') },
  'bytes beyond ASCII in a value': {
    answer: (exchange) => {
      exchange.write(Buffer.from(`HTTP/1.1 200 OK\r\n${open}X-A: sch\xf6n\r\nContent-Length: 5\r\n\r\nhello`, 'latin1'));
    },
  },
  'a field without a colon': { answer: raw(['200 OK', 'no colon here', 'Content-Length: 5'], 'hello'), why: strict },
  'white space before the colon': { answer: raw(['200 OK', 'X-A : one', 'Content-Length: 5'], 'hello') },
  'white space in a name': { answer: raw(['200 OK', 'X A: one', 'Content-Length: 5'], 'hello') },
  'a field without a name': { answer: raw(['200 OK', ': one', 'Content-Length: 5'], 'hello') },
  'a field without a value': { answer: raw(['200 OK', 'X-A:', 'Content-Length: 5'], 'hello') },
  'white space around values': { answer: raw(['200 OK', 'X-A: \t one \t ', 'Content-Length: 5'], 'hello') },
  'a name several times': { answer: raw(['200 OK', 'X-A: one', 'x-a: two', 'X-A:', 'Content-Length: 5'], 'hello') },
  'a head of 12 KiB': { answer: raw(['200 OK', `X-A: ${'a'.repeat(12 << 10)}`, 'Content-Length: 5'], 'hello') },
  'a head of 100 KiB': {
    answer: raw(['200 OK', ...Array(100).fill(`X-A: ${'a'.repeat(1 << 10)}`), 'Content-Length: 5'], 'hello'),
  },
  'a head of 300 KiB': {
    answer: raw(['200 OK', ...Array(300).fill(`X-A: ${'a'.repeat(1 << 10)}`), 'Content-Length: 5'], 'hello'),
  },
  'a head without end': {
    async answer(exchange) {
      exchange.write('HTTP/1.1 200 OK\r\n');
      while (!exchange.socket.destroyed) {
        exchange.write(`X-A: ${'a'.repeat(8 << 10)}\r\n`);
        await pause(1);
      }
    },
  },
  'a thousand fields': {
    answer: raw(['200 OK', ...Array.from({ length: 1000 }, (_, at) => `X-${at}: a`), 'Content-Length: 5'], 'hello'),
  },
};
