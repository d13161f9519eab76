import { expect, test } from 'vitest';
import { letterOf } from './letter.js';

test('a key is what it types, wherever the layout has it', () => {
  expect(letterOf({ key: 'c', code: 'KeyC' })).toBe('c');
  expect(letterOf({ key: 'V', code: 'KeyV' })).toBe('v');
  // Dvorak.
  expect(letterOf({ key: 'c', code: 'KeyI' })).toBe('c');
  expect(letterOf({ key: 'v', code: 'Period' })).toBe('v');
  expect(letterOf({ key: 'j', code: 'KeyC' })).toBe('j');
  expect(letterOf({ key: '.', code: 'KeyE' })).not.toBe('v');
});

test('where it types no Latin letter, its place counts', () => {
  expect(letterOf({ key: 'с', code: 'KeyC' })).toBe('c');
  expect(letterOf({ key: 'F6', code: 'F6' })).toBe('');
});
