import { expect, test } from 'vitest';
import { isLoss, Statistics } from './statistics.js';

const failed = (code: string) => Object.assign(new Error(code), { code });

test('a request that nobody answers is lost; where none was sent, nothing is', () => {
  expect(['ETIMEDOUT', 'EHOSTUNREACH', 'ECONNREFUSED'].map(failed).map(isLoss)).toEqual([true, true, true]);
  expect(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'ENETDOWN', 'EINVAL'].map(failed).some(isLoss)).toBe(false);
  expect(isLoss(new Error('something else'))).toBe(false);
});

test('lost requests count among those that were sent', () => {
  const statistics = new Statistics();
  expect(statistics.loss).toBe(0);
  statistics.reply(2);
  statistics.reply(4);
  statistics.lost();
  statistics.lost();
  expect(statistics).toMatchObject({ sent: 4, received: 2, least: 2, average: 3, most: 4, loss: 50 });
});
