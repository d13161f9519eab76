import { dns } from './dns.js';
import { http } from './http.js';
import { attempt, bytesOf, flagNames, hexadecimal, type Layers, Malformed, Reader } from './layer.js';

const flags = [
  [0x02, 'SYN'],
  [0x01, 'FIN'],
  [0x04, 'RST'],
  [0x08, 'PSH'],
  [0x10, 'ACK'],
  [0x20, 'URG'],
  [0x40, 'ECE'],
  [0x80, 'CWR'],
] as const;

/** TCP (RFC 9293 §3.1). */
export function tcp(frame: Uint8Array, start: number, end: number): Layers {
  const reader = new Reader(frame, start, end);
  const source = reader.field('Source port', 2);
  const destination = reader.field('Destination port', 2);
  const sequence = reader.field('Sequence number', 4);
  const acknowledgment = reader.field('Acknowledgment', 4);
  const offset = reader.field('Header', 1, (value) => bytesOf((value >> 4) * 4));
  const set = reader.field('Flags', 1, (value) => flagNames(value, flags));
  const window = reader.field('Window', 2);
  reader.field('Checksum', 2, (value) => hexadecimal(value, 4));
  reader.field('Urgent pointer', 2);
  const headerLength = (offset >> 4) * 4;
  if (headerLength < 20) throw new Malformed(`A TCP header of ${bytesOf(headerLength)}, of 20 at least`);
  const payload = start + headerLength;
  const told = options(reader, Math.min(payload, end));
  const length = Math.max(0, end - payload);
  const parts = [
    `[${flagNames(set, flags)}] Seq=${sequence}`,
    (set & 0x10) !== 0 ? `Ack=${acknowledgment}` : '',
    `Win=${window} Len=${length}`,
    told,
  ];
  const layers: Layers = [
    {
      floor: 'transport',
      protocol: 'TCP',
      summary: `${source} → ${destination} ${parts.filter(Boolean).join(' ')}`,
      between: [String(source), String(destination)],
      start,
      end: Math.min(payload, end),
      fields: reader.fields,
    },
  ];
  if (length === 0) return layers;
  const message = source === 53 || destination === 53 ? dnsMessage(frame, payload, end) : [];
  layers.push(...(message.length > 0 ? message : http(frame, payload, end)));
  return layers;
}

/** A message, which over TCP follows two bytes of length (RFC 1035 §4.2.2); nothing if the segment does not hold it whole. */
function dnsMessage(frame: Uint8Array, start: number, end: number): Layers {
  const message = start + 2;
  const until = message + (((frame[start] ?? 0) << 8) | (frame[start + 1] ?? 0));
  if (until > end) return [];
  return attempt('application', message, until, () => dns(frame, message, until)).filter(({ protocol }) => protocol === 'DNS');
}

/** Notes the options as fields and answers the ones worth a place in the line. */
function options(reader: Reader, end: number): string {
  const told: string[] = [];
  while (reader.position < end) {
    const start = reader.position;
    const kind = reader.number(1);
    if (kind === 0) {
      reader.take(end - reader.position);
      reader.note('Option: end', bytesOf(end - start), end - start);
      break;
    }
    if (kind === 1) {
      reader.note('Option: padding', '', 1);
      continue;
    }
    const length = reader.number(1);
    if (length < 2 || start + length > end) break;
    const body = reader.take(length - 2);
    const [name, value, short] = option(kind, body);
    reader.note(`Option: ${name}`, value, length);
    if (short) told.push(short);
  }
  return told.join(' ');
}

function option(kind: number, body: Uint8Array): [name: string, value: string, short: string] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (kind === 2 && body.length === 2) {
    return ['largest segment', bytesOf(view.getUint16(0)), `MSS=${view.getUint16(0)}`];
  }
  if (kind === 3 && body.length === 1) {
    const shift = view.getUint8(0);
    return ['window scale', `shift ${shift} (× ${2 ** shift})`, `WS=${2 ** shift}`];
  }
  if (kind === 4) return ['selective ACK permitted', '', 'SACK_PERM'];
  if (kind === 5) {
    const ranges: string[] = [];
    for (let at = 0; at + 8 <= body.length; at += 8) ranges.push(`${view.getUint32(at)}–${view.getUint32(at + 4)}`);
    return ['selective ACK', ranges.join(', '), `SACK=${ranges.join(',')}`];
  }
  if (kind === 8 && body.length === 8) {
    return ['timestamps', `value ${view.getUint32(0)}, echo ${view.getUint32(4)}`, ''];
  }
  return [`kind ${kind}`, bytesOf(body.length), ''];
}
