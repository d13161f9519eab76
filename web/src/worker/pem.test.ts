import { expect, test } from 'vitest';
import { certificates } from './pem.js';

const pem = (base64: string, end = '\n') => `-----BEGIN CERTIFICATE-----${end}${base64}${end}-----END CERTIFICATE-----${end}`;
const one = Uint8Array.of(0x30, 0x82, 1, 2);
const two = Uint8Array.of(0x30, 0x81, 250);

test('any number of certificates, and what stands between them', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n';
  const text = `subject=one\n${pem('MIIB\nAg==')}${key}between them\n${pem('MIH6')}`;
  expect(certificates(text)).toEqual([one, two]);
  expect(certificates(text.replaceAll('\n', '\r\n'))).toEqual([one, two]);
  expect(certificates(new TextEncoder().encode(text))).toEqual([one, two]);
});

test('the bytes of one', () => {
  expect(certificates(one)).toEqual([one]);
});

test.each([
  '',
  'no certificate',
  new Uint8Array(),
  new TextEncoder().encode('0 is no certificate'),
  pem('!'),
  pem('MIH6').slice(0, -10),
  `-----BEGIN CERTIFICATE-----\n${pem('MIH6')}`,
  '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n',
])('what holds none is refused: %j', (given) => {
  expect(() => certificates(given)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
