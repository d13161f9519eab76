/** OpenSSH's server with a user of its own, who exists nowhere but in the server's mount namespace. Needs root. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Program } from './program.mjs';
import { until } from './until.mjs';

/** $1: the folder of the server. What it would leave on the machine goes into memory. */
const script = `
  set -e
  for folder in /run /home /var/log; do mount -t tmpfs tmpfs "$folder"; done
  mkdir -p /run/sshd /home/tester
  cp -r "$1"/home/. /home/tester
  chown -R 2000:2000 /home/tester
  mount --bind "$1/pam" /etc/pam.d/sshd
  for file in passwd shadow group; do mount --bind "$1/$file" "/etc/$file"; done
  exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
`;

export class Sshd {
  static user = 'tester';
  static password = 'pässword with spaces';

  /**
   * `keys` are public keys that may log in, `options` more lines of sshd_config, `files` what the home holds besides. With PAM, a
   * `guest` is asked a second question, for an address of mail.
   */
  static async start({
    port = 22,
    hostKeys = ['ed25519', 'rsa', 'ecdsa'],
    keys = [],
    options = [],
    files = {},
    guest = false,
  } = {}) {
    const sshd = new Sshd();
    sshd.port = port;
    sshd.folder = join(process.env.STAGE, `sshd-${process.pid}-${port}`);
    sshd.#accounts();
    mkdirSync(join(sshd.folder, 'home', '.ssh'), { recursive: true });
    writeFileSync(join(sshd.folder, 'home', '.ssh', 'authorized_keys'), keys.join('\n'));
    const second = guest ? [`auth required pam_ftp.so users=${Sshd.user} ignore`] : [];
    const pam = ['auth required pam_unix.so', ...second, 'account required pam_unix.so', 'session required pam_permit.so'];
    writeFileSync(join(sshd.folder, 'pam'), `${pam.join('\n')}\n`);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(sshd.folder, 'home', name), text);
    sshd.renewHostKeys(hostKeys);
    sshd.options = options;
    await sshd.#run();
    return sshd;
  }

  #accounts() {
    mkdirSync(this.folder, { recursive: true });
    const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: Sshd.password, encoding: 'utf8' }).trim();
    const added = {
      passwd: `${Sshd.user}:x:2000:2000::/home/tester:/bin/sh`,
      shadow: `${Sshd.user}:${hash}:19000:0:99999:7:::`,
      group: `${Sshd.user}:x:2000:`,
    };
    for (const [file, line] of Object.entries(added)) {
      writeFileSync(join(this.folder, file), `${readFileSync(join('/etc', file), 'utf8')}${line}\n`, { mode: 0o644 });
    }
  }

  /** Other host keys than before, from the next start on. */
  renewHostKeys(types) {
    this.hostKeys = types.map((type) => {
      const name = `host-${type}-${Math.random().toString(36).slice(2)}`;
      return { type, path: newKey(this.folder, name, { type }).path };
    });
  }

  /** As ssh-keygen prints it. */
  fingerprint(type) {
    const { path } = this.hostKeys.find((key) => key.type === type);
    return execFileSync('ssh-keygen', ['-lf', `${path}.pub`], { encoding: 'utf8' }).split(' ')[1];
  }

  async #run() {
    const lines = [
      `Port ${this.port}`,
      ...this.hostKeys.map(({ path }) => `HostKey ${path}`),
      'PidFile none',
      'LogLevel DEBUG1',
      'AcceptEnv LANG',
      'PrintLastLog no',
      'PrintMotd no',
      ...this.options,
      // The first word on a subject counts.
      'UsePAM no',
      'PasswordAuthentication yes',
    ];
    writeFileSync(join(this.folder, 'sshd_config'), `${lines.join('\n')}\n`);
    // With the first process of its namespace all of its sessions end, which would hold the pipes to this test open.
    const apart = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    this.program = new Program('unshare', [...apart, 'sh', '-c', script, 'sh', this.folder]);
    await until('sshd answers', () => {
      if (!this.program.running) throw new Error(`sshd ended: ${this.program.output}`);
      return answers(this.port);
    });
  }

  /** What it has logged. */
  get log() {
    return this.program.output;
  }

  async stop() {
    await this.program.stop('SIGKILL');
    await until('sshd is gone', async () => !(await answers(this.port)));
  }

  async restart() {
    await this.stop();
    await this.#run();
  }
}

/** A key pair by ssh-keygen: its path, its private and its public half as text. */
export function newKey(folder, name, { type = 'ed25519', bits, passphrase = '' } = {}) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  const length = bits === undefined ? [] : ['-b', String(bits)];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...length, '-N', passphrase, '-C', name, '-f', path]);
  return { path, text: readFileSync(path, 'utf8'), publicKey: readFileSync(`${path}.pub`, 'utf8') };
}

/** Whether a server says that it speaks SSH. */
function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (greeting) => {
      resolve(greeting.toString().startsWith('SSH-2.0-'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
