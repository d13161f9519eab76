/** A CA, and certificates of it and of a stranger, by the openssl command. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const day = 24 * 60 * 60 * 1000;

export class Authority {
  constructor(folder, key = ['rsa:2048']) {
    this.folder = folder;
    mkdirSync(join(folder, 'issued'), { recursive: true });
    writeFileSync(join(folder, 'index'), '');
    writeFileSync(join(folder, 'ca.cnf'), configuration(folder));
    this.#openssl('req', '-x509', ...newKey(key, 'ca'), '-out', 'ca.pem', '-days', '2', '-subj', `/CN=${basename(folder)}`);
    this.pem = readFileSync(join(folder, 'ca.pem'), 'utf8');
  }

  /** A certificate for a host, valid from so many days from now to so many; the paths of it and its key. */
  issue(name, host, { days: [from, to] = [-1, 1], key = ['ec', 'ec_paramgen_curve:P-256'] } = {}) {
    this.#openssl('req', ...newKey(key, name), '-out', `${name}.csr`, '-subj', `/CN=${host}`);
    writeFileSync(join(this.folder, `${name}.ext`), `subjectAltName=DNS:${host}\nextendedKeyUsage=serverAuth\n`);
    const dates = ['-startdate', time(from), '-enddate', time(to)];
    this.#openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
      ...dates,
      '-extfile',
      `${name}.ext`,
    );
    return { certificate: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key`) };
  }

  #openssl(...args) {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

function newKey([algorithm, option], name) {
  return ['-newkey', algorithm, ...(option ? ['-pkeyopt', option] : []), '-nodes', '-keyout', `${name}.key`];
}

/** "20260131235959Z", so many days from now. */
function time(days) {
  return `${new Date(Date.now() + days * day).toISOString().replace(/[-:T]|\..*/g, '')}Z`;
}

function configuration(folder) {
  return `
    [ca]
    default_ca = own
    [own]
    database = ${folder}/index
    new_certs_dir = ${folder}/issued
    certificate = ${folder}/ca.pem
    private_key = ${folder}/ca.key
    rand_serial = yes
    unique_subject = no
    default_md = sha256
    policy = any
    [any]
    commonName = supplied`;
}
