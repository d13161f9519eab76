/** Raw connections with TLS, from the start or when it is asked for, on the kernel's side of the TAP. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Program } from './program.mjs';
import { until } from './until.mjs';

/** The server's side of TLS on a connection. */
export function secured(socket, { certificate, key }) {
  const secure = new TLSSocket(socket, {
    isServer: true,
    allowHalfOpen: true,
    cert: readFileSync(certificate),
    key: readFileSync(key),
    ALPNProtocols: ['postgresql'],
  });
  secure.on('error', () => undefined);
  return secure;
}

/**
 * A mail server as far as STARTTLS goes (RFC 3207): it greets, and repeats each line with how it came. `slipped` is what somebody
 * on the way adds in plain text to the answer to STARTTLS.
 */
export function mail(credentials, slipped = '') {
  return (socket) => {
    socket.write('220 ready\r\n');
    converse(socket, 'plain', () => {
      socket.write(`220 go\r\n${slipped}`);
      converse(secured(socket, credentials), 'secure', () => undefined);
    });
  };
}

function converse(stream, how, startTls) {
  let text = '';
  const hear = (piece) => {
    const lines = (text + piece.toString('latin1')).split('\r\n');
    text = lines.pop();
    for (const line of lines) {
      if (line === 'STARTTLS') {
        stream.off('data', hear);
        startTls();
      } else if (line === 'QUIT') {
        stream.end('221 bye\r\n');
      } else {
        stream.write(`250 ${line} (${how})\r\n`);
      }
    }
  };
  stream.on('data', hear);
}

/** A database server as far as PostgreSQL's SSLRequest goes: it says that it will, and repeats what it hears over TLS. */
export function database(credentials) {
  return async (socket) => {
    const [request] = await once(socket, 'data');
    if (request.equals(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))) {
      socket.write('S');
      const secure = secured(socket, credentials);
      secure.pipe(secure);
    } else {
      socket.destroy();
    }
  };
}

/** socat behind OpenSSL: a program for each connection, by `address` ("EXEC:cat"). */
export class Socat {
  static async start(port, { certificate, key }, address) {
    const socat = new Socat();
    const listen = `OPENSSL-LISTEN:${port},fork,reuseaddr,cert=${certificate},key=${key},verify=0`;
    // It goes on with one direction for so many seconds after the other has ended.
    socat.program = new Program('socat', ['-t', '60', listen, address], { detached: true });
    await until('socat listens', async () => {
      const probe = connect(port, '127.0.0.1');
      await once(probe, 'connect');
      probe.destroy();
      return true;
    });
    return socat;
  }

  /** In the middle of whatever it does: no goodbye to anybody. */
  kill() {
    this.program.signal('SIGKILL', { group: true });
  }

  async stop() {
    if (this.program.running) this.program.signal('SIGTERM', { group: true });
    await this.program.ended;
  }
}
