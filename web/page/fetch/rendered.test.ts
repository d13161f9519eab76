import { expect, test } from 'vitest';
import { absolute } from './rendered.js';

test('references lead where they would in a browser, by http and by https', () => {
  expect(absolute('/b?c#d', 'http://host.lan/a/')).toBe('http://host.lan/b?c#d');
  expect(absolute('../b.png', 'https://host.lan/a/')).toBe('https://host.lan/b.png');
  expect(absolute('//other.lan/', 'https://host.lan/')).toBe('https://other.lan/');
  expect(absolute('https://other.lan/', 'http://host.lan/')).toBe('https://other.lan/');
});

test('what is fetched by neither leads nowhere', () => {
  for (const reference of ['javascript:alert(1)', 'data:text/html,x', 'mailto:a@b', 'ftp://host.lan/', 'http://[']) {
    expect(absolute(reference, 'https://host.lan/')).toBeUndefined();
  }
});
