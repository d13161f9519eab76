import { ascii, bytesOf, type Field, type Layers } from './layer.js';

const startLine = /^(?:HTTP\/1\.[01] \d{3}|[A-Z]{3,10} \S+ HTTP\/1\.[01])/;
/** As much of a segment as is looked at for a head: a line of text longer than this is not one. */
const longestHead = 4096;

/** HTTP/1.1 where a segment begins with a head (RFC 9112 §2.1); any other payload is shown as text or as data. */
export function http(frame: Uint8Array, start: number, end: number): Layers {
  const bytes = frame.subarray(start, end);
  const head = String.fromCharCode(...bytes.subarray(0, longestHead));
  if (!startLine.test(head)) return [stream(bytes, start, end)];
  const headEnd = head.indexOf('\r\n\r\n');
  const headLength = headEnd === -1 ? head.length : headEnd + 4;
  const fields: Field[] = [];
  let at = 0;
  for (const line of head.slice(0, headLength).split('\r\n')) {
    if (line !== '') fields.push(headerField(line, start + at, at === 0));
    at += line.length + 2;
  }
  const body = bytes.length - headLength;
  if (body > 0) fields.push({ name: 'Body', value: bytesOf(body), start: start + headLength, end });
  const summary = head.slice(0, head.indexOf('\r\n') === -1 ? 120 : head.indexOf('\r\n'));
  return [{ floor: 'application', protocol: 'HTTP', summary, start, end, fields }];
}

function headerField(line: string, start: number, first: boolean): Field {
  const colon = line.indexOf(':');
  const end = start + line.length;
  if (first || colon === -1) return { name: first ? 'Start line' : 'Line', value: line, start, end };
  return { name: line.slice(0, colon), value: line.slice(colon + 1).trim(), start, end };
}

function stream(bytes: Uint8Array, start: number, end: number): Layers[number] {
  const sample = bytes.subarray(0, 48);
  const text = sample.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13);
  const quote = text ? ` “${ascii(sample).replace(/\.+$/, '')}${bytes.length > 48 ? '…' : ''}”` : '';
  return {
    floor: 'application',
    protocol: 'Data',
    summary: `${bytesOf(bytes.length)}${quote}`,
    start,
    end,
    fields: [],
  };
}
