import { expect, test } from 'vitest';
import { Slots } from './slots.js';

const never = new Promise<never>(() => {});
const settled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 0, false))]);

test('one server has a limit, others go past those who wait for it', async () => {
  const slots = new Slots(2, 10, 10);
  await Promise.all([slots.take('a', never), slots.take('a', never)]);
  const third = slots.take('a', never);
  expect(await settled(third)).toBe(false);
  expect(await settled(slots.take('b', never))).toBe(true);
  slots.give('b');
  expect(await settled(third)).toBe(false);
  slots.give('a');
  expect(await settled(third)).toBe(true);
});

test('so has everything together, and the first who waits is the next', async () => {
  const slots = new Slots(2, 2, 10);
  await Promise.all([slots.take('a', never), slots.take('b', never)]);
  const [third, fourth] = [slots.take('c', never), slots.take('d', never)];
  slots.give('a');
  expect(await settled(third)).toBe(true);
  expect(await settled(fourth)).toBe(false);
  slots.give('c');
  expect(await settled(fourth)).toBe(true);
});

test('who gives up waiting takes nothing', async () => {
  const slots = new Slots(1, 1, 10);
  await slots.take('a', never);
  let leave: (error: Error) => void = () => {};
  const gone = new Promise<never>((_, reject) => {
    leave = reject;
  });
  const second = slots.take('a', gone);
  const third = slots.take('a', never);
  leave(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  slots.give('a');
  expect(await settled(third)).toBe(true);
  // Granted and given up in one moment.
  const [fourth] = [slots.take('a', gone)];
  slots.give('a');
  await expect(fourth).rejects.toThrow('enough');
  expect(await settled(slots.take('a', never))).toBe(true);
});

test('not everybody may wait', async () => {
  const slots = new Slots(1, 1, 1);
  await slots.take('a', never);
  void slots.take('a', never);
  await expect(slots.take('a', never)).rejects.toMatchObject({ code: 'EMFILE' });
});
