/** What a stock nginx does, case by case, for `fetch-nginx.test.mjs`. */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { serve } from './servers.mjs';

export const port = 8005;

const text = 'A line of many.\n'.repeat(500);

export class NginxOfCases {
  static async start() {
    const nginx = new NginxOfCases();
    const root = join(process.env.STAGE, `nginx-cases-${process.pid}`);
    const files = join(root, 'files');
    for (const folder of ['folder', 'gzip', 'precompressed', 'slow', 'own', 'once', 'few', 'dav']) {
      mkdirSync(join(files, folder), { recursive: true });
      writeFileSync(join(files, folder, 'text.txt'), text);
    }
    writeFileSync(join(files, 'text.txt'), text);
    writeFileSync(join(files, 'index.html'), '<title>Home</title>');
    writeFileSync(join(files, 'missing.html'), '<title>Nothing here</title>');
    writeFileSync(join(files, 'empty.txt'), '');
    writeFileSync(join(files, 'one.txt'), '1');
    writeFileSync(join(files, 'noise'), randomFillSync(Buffer.alloc(3_000_001)));
    writeFileSync(join(files, 'gr\u00fc\u00dfe und mehr.txt'), 'gr\u00fc\u00dfe');
    writeFileSync(join(files, 'precompressed', 'text.txt.gz'), gzipSync(text));
    writeFileSync(join(root, 'people'), 'user:{PLAIN}password\n');
    nginx.program = await serve(root, server(root), `http://127.0.0.1:${port}/text.txt`);
    return nginx;
  }

  async stop() {
    await this.program.stop();
  }
}

/** What both nginxes of a chain say would be there twice. */
const once = ['Origin', 'Methods', 'Headers'].map((name) => `proxy_hide_header Access-Control-Allow-${name};`).join(' ');
const redirect = (status) => `location = /moved/${status} { return ${status} /landing; }`;

const server = (root) => `
  server {
    listen 0.0.0.0:${port};
    root ${root}/files;
    index index.html;
    msie_padding off;
    add_header Access-Control-Allow-Origin * always;
    add_header Access-Control-Expose-Headers * always;
    add_header Access-Control-Allow-Methods * always;
    add_header Access-Control-Allow-Headers "*, Authorization" always;
    add_header Access-Control-Max-Age 600 always;
    # A browser asks before it sends what pages could not always send.
    if ($http_access_control_request_method) { return 204; }

    location /landing { default_type text/plain; return 200 "$request_method '$http_content_type' '$content_length'\\n"; }
    ${[301, 302, 303, 307, 308].map(redirect).join('\n    ')}
    location = /moved/far { return 302 http://$http_host/moved/307?again#there; }
    location = /moved/round { return 302 /moved/round; }
    location = /empty { return 204; }
    location = /teapot { default_type text/plain; return 418 "short and stout\\n"; }
    location = /gone { return 410; }
    location = /silent { return 444; }
    location = /missing { error_page 404 =404 /missing.html; }
    location = /hidden { error_page 404 =200 /one.txt; }
    location /gzip/ { gzip on; gzip_min_length 1; gzip_http_version 1.0; gzip_vary on; }
    location /precompressed/ { gzip_static on; gunzip on; gzip_vary on; }
    location /slow/ { limit_rate 8k; }
    location /own/ { charset utf-8; expires 1h; add_trailer X-Sum "none"; sub_filter_once off; sub_filter_types *; sub_filter line word; }
    location /once/ { keepalive_timeout 0; }
    location /few/ { keepalive_requests 2; }
    location /limited { client_max_body_size 100; return 200; dav_methods PUT; }
    location /dav/ { dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; }
    location /people/ { auth_basic "people"; auth_basic_user_file ${root}/people; alias ${root}/files/; }
    location /passed/ { ${once} proxy_pass http://127.0.0.1:${port}/; }
    location /passed/on/ { ${once} proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://127.0.0.1:${port}/; }
    location /nobody/ { proxy_pass http://127.0.0.1:1/; }
  }`;

const get = (path, headers, more = {}) => ({ path, ...more, ...(headers ? { init: { headers } } : {}) });
const by = (method, path, body, headers) => ({
  path,
  init: { method, ...(body ? { body } : {}), ...(headers ? { headers } : {}) },
});

export const cases = {
  files: {
    'a text': get('/text.txt'),
    'of no bytes': get('/empty.txt'),
    'of one byte': get('/one.txt'),
    'of three megabytes': get('/noise'),
    'an index': get('/'),
    'a folder without its slash': get('/folder'),
    'a folder that may not be listed': get('/folder/'),
    'a name beyond ASCII': get('/gr\u00fc\u00dfe und mehr.txt'),
    'with a query': get('/text.txt?a=1&b=%20'),
    'dots in the path': get('/folder/../one.txt'),
    'percent signs that hide dots': get('/folder/%2e%2e/one.txt'),
    nowhere: get('/nothing'),
    'nowhere, with a page for it': get('/missing'),
    'nowhere, with another page for it': get('/hidden'),
    HEAD: by('HEAD', '/text.txt'),
    'HEAD of nowhere': by('HEAD', '/nothing'),
    'HEAD of what is compressed': by('HEAD', '/gzip/text.txt'),
    'POST to a file': by('POST', '/text.txt', { text: 'x' }),
    'a method that nobody knows': by('BREW', '/text.txt'),
    slowly: get('/slow/text.txt'),
    'behind a proxy of HTTP/1.0': get('/passed/text.txt'),
    'behind a proxy of HTTP/1.1': get('/passed/on/noise'),
    'behind a proxy that reaches nobody': get('/nobody/text.txt'),
    'altered on the way, in chunks, with a trailer': get('/own/text.txt'),
  },
  ranges: {
    'the first bytes': get('/text.txt', { Range: 'bytes=0-9' }),
    'the last bytes': get('/text.txt', { Range: 'bytes=-10' }),
    'from a place on': get('/noise', { Range: 'bytes=2999000-' }),
    'behind the end': get('/text.txt', { Range: 'bytes=100000-' }),
    'two at once': get('/text.txt', { Range: 'bytes=0-1,4-5' }),
    'of what is compressed': get('/gzip/text.txt', { Range: 'bytes=0-9' }),
    'that is none': get('/text.txt', { Range: 'lines=1-2' }),
  },
  conditions: {
    'not changed since': get('/text.txt', { 'If-Modified-Since': new Date(Date.now() + 86_400_000).toUTCString() }),
    'changed since': get('/text.txt', { 'If-Modified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' }),
    'any tag': get('/text.txt', { 'If-None-Match': '*' }),
    'another tag': get('/text.txt', { 'If-None-Match': '"x"' }),
    'wanted as it was': get('/text.txt', { 'If-Match': '"x"' }),
    'not changed since, wanted': get('/text.txt', { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' }),
  },
  codings: {
    'compressed under way': get('/gzip/text.txt'),
    'compressed before': get('/precompressed/text.txt'),
  },
  redirects: {
    ...Object.fromEntries([301, 302, 303, 307, 308].map((status) => [`${status}`, get(`/moved/${status}`)])),
    ...Object.fromEntries(
      [301, 302, 303, 307, 308].map((status) => [`${status} of a POST`, by('POST', `/moved/${status}`, { text: 'hello' })]),
    ),
    ...Object.fromEntries([301, 303, 308].map((status) => [`${status} of a HEAD`, by('HEAD', `/moved/${status}`)])),
    'over another': get('/moved/far'),
    'round and round': get('/moved/round'),
    'as an error': { path: '/moved/302', init: { redirect: 'error' } },
  },
  answers: {
    'without content': get('/empty'),
    'of a teapot': get('/teapot'),
    gone: get('/gone'),
    'none at all': get('/silent'),
    'for people who say who they are': get('/people/one.txt', { Authorization: `Basic ${btoa('user:password')}` }),
    'for people who do not': get('/people/one.txt'),
    'for other people': get('/people/one.txt', { Authorization: `Basic ${btoa('user:other')}` }),
    'to fields of 20 KiB': get('/text.txt', { 'X-Long': 'x'.repeat(20_000) }),
    'to an address of 20 KiB': get(`/${'x'.repeat(20_000)}`),
  },
  uploads: {
    'a file': by('PUT', '/dav/WHO/one', { text: 'hello' }),
    'the same file': by('PUT', '/dav/WHO/one', { text: 'hello again' }),
    'of a megabyte': by('PUT', '/dav/WHO/noise', { bytes: 1 << 20 }),
    'and it is there': get('/dav/WHO/noise'),
    'of no bytes': by('PUT', '/dav/WHO/empty', { text: '' }),
    'a stream': { path: '/dav/WHO/stream', init: { method: 'PUT', body: { stream: ['one', 'two'] }, duplex: 'half' } },
    'a folder': by('MKCOL', '/dav/WHO/folder/'),
    'a folder that is there': by('MKCOL', '/dav/WHO/folder/'),
    'taken away': by('DELETE', '/dav/WHO/one'),
    'taken away twice': by('DELETE', '/dav/WHO/one'),
    'larger than it may be': by('PUT', '/limited', { text: 'x'.repeat(101) }),
  },
  connections: {
    'closed after each answer': get('/once/text.txt', undefined, { times: 3 }),
    'closed after every second': get('/few/text.txt', undefined, { times: 7 }),
    'kept open': get('/text.txt', undefined, { times: 20 }),
  },
};

/** Where ours and another differ, and why that is as it should be; as in `bad/differences.mjs`. */
export const differences = [
  {
    why: 'nginx counts its boundaries up',
    from: ['browser', 'node'],
    fields: ['headers', 'body'],
    ours: { status: 206 },
    cases: ['ranges: two at once'],
  },
  {
    why: 'browsers send streams over HTTP/2 alone',
    from: ['browser'],
    fields: ['error'],
    ours: { status: 201 },
    cases: ['uploads: a stream'],
  },
  {
    why: 'Chromium makes an error of a range that cannot be satisfied; by the standard 416 is an answer (RFC 9110 §15.5.17)',
    from: ['browser'],
    fields: ['error'],
    ours: { status: 416 },
    cases: ['ranges: behind the end'],
  },
  {
    why: 'it asks for the connection to be closed behind a HEAD',
    from: ['node'],
    fields: ['headers'],
    cases: [
      ...['HEAD', 'HEAD of nowhere', 'HEAD of what is compressed'].map((name) => `files: ${name}`),
      ...[301, 303, 308].map((status) => `redirects: ${status} of a HEAD`),
    ],
  },
];
