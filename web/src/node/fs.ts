/** In place of `node:fs`: a page has no files. Calls fail with ENOSYS, by their callback where they have one. */

function missing(name: string): Error {
  return Object.assign(new Error(`ENOSYS: function not implemented, ${name}`), { code: 'ENOSYS', errno: -38, syscall: name });
}

const fails =
  (name: string) =>
  (...values: unknown[]): void => {
    const callback = values.at(-1);
    if (typeof callback !== 'function') {
      throw missing(name);
    }
    queueMicrotask(() => callback(missing(name)));
  };

export const access = fails('access');
export const close = fails('close');
export const appendFile = fails('open');
export const createReadStream = fails('open');
export const createWriteStream = fails('open');
export const fstat = fails('fstat');
export const lstat = fails('lstat');
export const mkdir = fails('mkdir');
export const open = fails('open');
export const read = fails('read');
export const readFile = fails('open');
export const readFileSync = fails('open');
export const rename = fails('rename');
export const readdir = fails('scandir');
export const stat = fails('stat');
export const statSync = fails('stat');
export const unlink = fails('unlink');
export const write = fails('write');
export const writeFile = fails('open');
export const existsSync = (): boolean => false;

export default {
  access,
  appendFile,
  close,
  createReadStream,
  createWriteStream,
  fstat,
  lstat,
  mkdir,
  open,
  read,
  readFile,
  readFileSync,
  rename,
  readdir,
  stat,
  statSync,
  unlink,
  write,
  writeFile,
  existsSync,
};
