import { hexadecimal, ipv4Address, ipv6Address, type Layers, Reader, Truncated } from './layer.js';

const types: Record<number, string> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  41: 'OPT',
};
const codes = ['no error', 'format error', 'server failure', 'no such name', 'not implemented', 'refused'];
/** RFC 1035 §3.1 limits a name to 255 bytes, so to fewer jumps than this. */
const mostLabels = 128;
const mostRecords = 24;

/** DNS messages (RFC 1035 §4). */
export function dns(frame: Uint8Array, start: number, end: number): Layers {
  const reader = new Reader(frame, start, end);
  reader.field('Identifier', 2, (value) => hexadecimal(value, 4));
  const flags = reader.field('Flags', 2, flagText);
  const questions = reader.field('Questions', 2);
  const answers = reader.field('Answers', 2);
  reader.field('Authorities', 2);
  reader.field('Additional', 2);
  const asked: string[] = [];
  for (let i = 0; i < Math.min(questions, mostRecords); i += 1) asked.push(question(reader, start));
  const found: string[] = [];
  for (let i = 0; i < Math.min(answers, mostRecords); i += 1) found.push(record(reader, start));
  const response = (flags & 0x8000) !== 0;
  const code = flags & 15;
  const outcome = code === 0 ? found.join(', ') || 'nothing' : (codes[code] ?? `error ${code}`);
  const summary = response ? `${asked.join(', ')}: ${outcome}` : `${asked.join(', ')}?`;
  return [{ floor: 'application', protocol: 'DNS', summary, start, end, fields: reader.fields }];
}

function flagText(flags: number): string {
  const kind = (flags & 0x8000) !== 0 ? 'response' : 'query';
  const parts = [kind];
  if ((flags & 0x0200) !== 0) parts.push('truncated');
  if ((flags & 0x0100) !== 0) parts.push('recursion desired');
  if (kind === 'response') parts.push(codes[flags & 15] ?? `error ${flags & 15}`);
  return parts.join(', ');
}

function question(reader: Reader, message: number): string {
  const start = reader.position;
  const name = domainName(reader, message);
  const type = typeName(reader.number(2));
  reader.number(2);
  reader.note('Question', `${name} ${type}`, reader.position - start);
  return `${type} ${name}`;
}

function record(reader: Reader, message: number): string {
  const start = reader.position;
  const name = domainName(reader, message);
  const type = reader.number(2);
  reader.number(2);
  const lifetime = reader.number(4);
  const length = reader.number(2);
  const value = data(reader, message, type, length);
  reader.note('Answer', `${name} ${typeName(type)} ${value}, for ${lifetime} s`, reader.position - start);
  return value;
}

function data(reader: Reader, message: number, type: number, length: number): string {
  const end = reader.position + length;
  let value = `${length} bytes`;
  if (type === 1 && length === 4) value = ipv4Address(reader.take(4));
  else if (type === 28 && length === 16) value = ipv6Address(reader.take(16));
  else if (type === 2 || type === 5 || type === 12) value = domainName(reader, message);
  if (end < reader.position) throw new Truncated();
  reader.take(end - reader.position);
  return value;
}

function domainName(reader: Reader, message: number): string {
  const labels: string[] = [];
  let at = reader.position;
  let after: number | undefined;
  for (let i = 0; i < mostLabels; i += 1) {
    const length = reader.bytes[at];
    if (length === undefined || at >= reader.end) throw new Truncated();
    if (length === 0) {
      reader.position = after ?? at + 1;
      return labels.join('.') || '.';
    }
    if (length >= 0xc0) {
      after ??= at + 2;
      at = message + (((length & 0x3f) << 8) | (reader.bytes[at + 1] ?? 0));
    } else {
      labels.push(String.fromCharCode(...reader.bytes.subarray(at + 1, at + 1 + length)));
      at += 1 + length;
    }
  }
  throw new Truncated();
}

function typeName(type: number): string {
  return types[type] ?? `type ${type}`;
}
