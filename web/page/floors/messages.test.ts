import { expect, test } from 'vitest';
import { Messages } from './messages.js';

const see = (messages: Messages, carrying: number, bare: number) => {
  for (let i = 0; i < carrying; i += 1) messages.passed('in', 4);
  for (let i = 0; i < bare; i += 1) messages.passed('in', 3);
  messages.settle();
};

test('what is seen is counted as it is', () => {
  const messages = new Messages();
  see(messages, 5, 3);
  messages.passed('in', 1);
  messages.counted({ in: 8, out: 0 });
  expect(messages.flow).toEqual({ in: 5, out: 0 });
});

test('of what is not seen, as much carries something as of what was seen last', () => {
  const messages = new Messages();
  see(messages, 30, 10);
  messages.counted({ in: 1040, out: 0 });
  expect(messages.flow.in).toBe(30 + 750);
});

test('what is seen late is not counted twice, and no count goes back', () => {
  const messages = new Messages();
  see(messages, 40, 0);
  messages.counted({ in: 80, out: 0 });
  expect(messages.flow.in).toBe(80);
  see(messages, 40, 0);
  messages.counted({ in: 80, out: 0 });
  expect(messages.flow.in).toBe(80);
});
