/** Servers that speak TLS, on the kernel's side of the TAP. */
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { Authority } from './certificates.mjs';
import { Nginx, serve } from './servers.mjs';

export const host = 'www.example.com';
const firstPort = 8443;
const probePort = 8442;

/** Sites of {@link SecureNginx} that are refused, and with what. */
export const refused = [
  ['expired', 'ETLSEXPIRED'],
  ['early', 'ETLSNOTYETVALID'],
  ['other', 'ETLSHOST'],
  ['stranger', 'ETLSISSUER'],
  ['old', 'ETLSVERSION'],
  ['foreign', 'ETLSHANDSHAKE'],
];

/** nginx with a site for each thing that a server can be: `url(site)`. Each has `text.txt` and `large` (10 MB of noise). */
export class SecureNginx {
  static largeLength = 10 * 1000 * 1000;

  static async start() {
    const nginx = new SecureNginx();
    const root = join(process.env.STAGE, `secure-${process.pid}`);
    nginx.#files(join(root, 'files'));
    const sites = nginx.#sites(root);
    nginx.ports = Object.fromEntries(Object.keys(sites).map((site, at) => [site, firstPort + at]));
    const servers = Object.entries(sites).map(([site, { certificate, key, http2 = '', options = '' }]) => {
      return `server {
        listen 0.0.0.0:${nginx.ports[site]} ssl ${http2};
        root ${root}/files;
        ssl_certificate ${certificate};
        ssl_certificate_key ${key};
        add_header X-TLS "$ssl_protocol $ssl_cipher $ssl_server_name";
        location /version { return 200 "$server_protocol"; }
        location /reused { return 200 "$ssl_session_reused"; }
        location /connection { return 200 "$connection"; }
        ${options}
      }`;
    });
    servers.push(`server { listen 127.0.0.1:${probePort}; root ${root}/files; }`);
    nginx.program = await serve(root, servers.join('\n'), `http://127.0.0.1:${probePort}/text.txt`);
    return nginx;
  }

  url(site) {
    return `https://${host}:${this.ports[site]}`;
  }

  #files(files) {
    mkdirSync(files, { recursive: true });
    writeFileSync(join(files, 'text.txt'), Nginx.text);
    const large = randomFillSync(Buffer.alloc(SecureNginx.largeLength));
    this.largeHash = createHash('sha256').update(large).digest('hex');
    writeFileSync(join(files, 'large'), large);
  }

  #sites(root) {
    const authority = new Authority(join(root, 'ca'));
    const stranger = new Authority(join(root, 'stranger'), ['ec', 'ec_paramgen_curve:P-384']);
    this.ca = authority.pem;
    this.certificate = authority.issue('usual', host);
    const rsa = authority.issue('rsa', host, { key: ['rsa:2048'] });
    return {
      usual: { ...this.certificate, options: 'ssl_protocols TLSv1.2 TLSv1.3;' },
      tls12: { ...rsa, options: 'ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384;' },
      tls13: {
        ...rsa,
        options: `ssl_protocols TLSv1.3; ssl_ecdh_curve secp384r1;
          ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;`,
      },
      closing12: { ...rsa, options: 'ssl_protocols TLSv1.2; keepalive_timeout 0; ssl_session_cache shared:a:1m;' },
      closing13: { ...rsa, options: 'ssl_protocols TLSv1.3; keepalive_timeout 0; ssl_session_cache shared:a:1m;' },
      http2: { ...this.certificate, http2: 'http2' },
      leaving: { ...this.certificate, http2: 'http2', options: 'keepalive_requests 3;' },
      expired: authority.issue('expired', host, { days: [-2, -1] }),
      early: authority.issue('early', host, { days: [1, 2] }),
      other: authority.issue('other', 'other.example.com'),
      stranger: stranger.issue('usual', host),
      old: { ...rsa, options: 'ssl_protocols TLSv1.1; ssl_ciphers DEFAULT:@SECLEVEL=0;' },
      foreign: { ...rsa, options: 'ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA;' },
    };
  }

  async stop() {
    await this.program.stop();
  }
}

/** Answers each request with the version of HTTP that it came in, and the SHA-256 of its body. */
export class Sums {
  /** What clients said when they broke off a handshake. */
  refusals = [];

  /** `http2`: besides HTTP/1.1, except for `/old`. */
  static async start({ certificate, key }, { http2 = false, port = 8500 } = {}) {
    const sums = new Sums();
    sums.url = `https://${host}:${port}/`;
    const options = { cert: readFileSync(certificate), key: readFileSync(key) };
    const answer = (request, response) => {
      if (request.httpVersion === '2.0' && request.url === '/old') {
        request.stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED);
        return;
      }
      const hash = createHash('sha256');
      request.on('data', (piece) => hash.update(piece));
      request.on('end', () => {
        response.setHeader('x-version', request.httpVersion);
        response.end(hash.digest('hex'));
      });
    };
    sums.server = http2 ? createSecureServer({ ...options, allowHTTP1: true }, answer) : createServer(options, answer);
    sums.server.on('secureConnection', (socket) => sums.sockets.add(socket));
    sums.server.on('tlsClientError', (error) => sums.refusals.push(error.code));
    sums.server.listen(port, '0.0.0.0');
    await once(sums.server, 'listening');
    return sums;
  }

  sockets = new Set();

  async stop() {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
