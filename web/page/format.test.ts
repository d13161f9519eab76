import { expect, test } from 'vitest';
import { duration, problem, size, speed } from './format.js';

test('sizes change their unit at a thousand', () => {
  expect([0, 1, 999, 1000, 104_857_600, 5e9].map(size)).toEqual([
    '0 bytes',
    '1 byte',
    '999 bytes',
    '1.00 kB',
    '104.9 MB',
    '5.00 GB',
  ]);
});

test('a speed needs time', () => {
  expect(speed(1000, 0)).toBe('–');
  expect(speed(5_000_000, 500)).toBe('10.0 MB/s');
});

test('durations are as exact as they are short', () => {
  expect([0.4213, 18.26, 345.6, 3210, 42_000, 720_000, 86_400_000].map(duration)).toEqual([
    '0.42 ms',
    '18.3 ms',
    '346 ms',
    '3.21 s',
    '42.0 s',
    '12 min',
    '24 h',
  ]);
});

test('a problem names the cause and its code once', () => {
  const cause = Object.assign(new Error('nobody listens there'), { code: 'ECONNREFUSED' });
  expect(problem(new TypeError('fetch failed', { cause }))).toBe('nobody listens there (ECONNREFUSED)');
  expect(problem(Object.assign(new Error('ETIMEDOUT: no answer'), { code: 'ETIMEDOUT' }))).toBe('ETIMEDOUT: no answer');
  expect(problem('odd')).toBe('odd');
});
