/** Servers that packages for Node were written for, as Debian has them, on the kernel's side of the TAP. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Program } from './program.mjs';
import { until } from './until.mjs';

/** A folder of a server's own. */
function folder(name) {
  const path = join(process.env.STAGE, `${name}-${process.pid}`);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Starts a server and waits until `ready` is so. */
async function serve(command, args, ready, options) {
  const program = new Program(command, args, options);
  const look = async () => {
    if (!program.running) throw new Error(`${command} ended: ${program.output}`);
    return ready(program);
  };
  // A database makes its files first.
  await until(`${command} is ready`, look, 60_000);
  return program;
}

/** Whether somebody accepts connections there. */
const listens = (port) => () =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (yes) => {
      socket.destroy();
      resolve(yes);
    };
    socket.on('connect', () => answer(true)).on('error', () => answer(false));
  });

/** PostgreSQL with a password (SCRAM), and TLS by a certificate. */
export class Postgres {
  static port = 5432;
  static user = 'tab';
  static password = 'an Ethernet card';

  static async start({ certificate, key }) {
    const postgres = new Postgres();
    const root = folder('postgres');
    const data = join(root, 'data');
    const versions = '/usr/lib/postgresql';
    const programs = join(
      versions,
      readdirSync(versions)
        .sort((a, b) => a - b)
        .at(-1),
      'bin',
    );
    writeFileSync(join(root, 'password'), Postgres.password);
    const initial = ['-D', data, '-U', Postgres.user, '--auth=scram-sha-256', `--pwfile=${root}/password`, '--no-sync'];
    run(...mortal(join(programs, 'initdb'), ...initial, '--encoding=UTF8', '--locale=C'));
    writeFileSync(join(data, 'pg_hba.conf'), 'host all all all scram-sha-256\n');
    const settings = {
      listen_addresses: '*',
      port: Postgres.port,
      unix_socket_directories: '',
      fsync: 'off',
      ssl: 'on',
      ssl_cert_file: certificate,
      ssl_key_file: key,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    postgres.program = await serve(...mortal(join(programs, 'postgres'), '-D', data, ...options), ({ output }) =>
      output.includes('ready to accept connections'),
    );
    return postgres;
  }

  /** "Fast shutdown": connections are closed. */
  async stop() {
    await this.program.stop('SIGINT');
  }
}

/** A command in a user namespace where we are somebody: PostgreSQL refuses to be run by root. */
function mortal(command, ...args) {
  return ['unshare', ['--user', '--map-user=1000', '--map-group=1000', command, ...args]];
}

function run(command, args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Redis with a password: 6379 as it is, 6380 by TLS. */
export class Redis {
  static port = 6379;
  static securePort = 6380;
  static password = 'an Ethernet card';

  static async start({ certificate, key }) {
    const redis = new Redis();
    const options = {
      bind: '0.0.0.0',
      port: Redis.port,
      'tls-port': Redis.securePort,
      'tls-cert-file': certificate,
      'tls-key-file': key,
      'tls-auth-clients': 'no',
      save: '',
      dir: folder('redis'),
      requirepass: Redis.password,
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    redis.program = await serve('redis-server', args, listens(Redis.port));
    return redis;
  }

  async stop() {
    await this.program.stop();
  }
}

/** mosquitto, open to everybody: 1883 as it is, 8883 by TLS. */
export class Mosquitto {
  static port = 1883;
  static securePort = 8883;

  static async start({ certificate, key }) {
    const mosquitto = new Mosquitto();
    const file = join(folder('mosquitto'), 'mosquitto.conf');
    const lines = [
      'user root',
      'persistence false',
      'allow_anonymous true',
      `listener ${Mosquitto.port} 0.0.0.0`,
      `listener ${Mosquitto.securePort} 0.0.0.0`,
      `certfile ${certificate}`,
      `keyfile ${key}`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    mosquitto.program = await serve('mosquitto', ['-c', file], listens(Mosquitto.port));
    return mosquitto;
  }

  async stop() {
    await this.program.stop();
  }
}

/**
 * vsftpd, where everybody may read and write: `root` holds the files. TLS for those who ask for it; a data connection must then
 * resume the session of its control connection, which is vsftpd's default.
 */
export class Vsftpd {
  static port = 21;

  static async start({ certificate, key }) {
    const vsftpd = new Vsftpd();
    const own = folder('vsftpd');
    vsftpd.root = join(own, 'files');
    mkdirSync(vsftpd.root);
    const settings = {
      listen: 'YES',
      background: 'NO',
      run_as_launching_user: 'YES',
      seccomp_sandbox: 'NO',
      isolate: 'NO',
      isolate_network: 'NO',
      anonymous_enable: 'YES',
      no_anon_password: 'YES',
      anon_root: vsftpd.root,
      anon_umask: '022',
      anon_upload_enable: 'YES',
      anon_mkdir_write_enable: 'YES',
      anon_other_write_enable: 'YES',
      write_enable: 'YES',
      allow_writeable_chroot: 'YES',
      ssl_enable: 'YES',
      allow_anon_ssl: 'YES',
      rsa_cert_file: certificate,
      rsa_private_key_file: key,
      ssl_tlsv1: 'YES',
      ssl_ciphers: 'HIGH',
    };
    const file = join(own, 'vsftpd.conf');
    writeFileSync(
      file,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    vsftpd.program = await serve('vsftpd', [file], listens(Vsftpd.port));
    return vsftpd;
  }

  async stop() {
    await this.program.stop();
  }
}
