/** A shell on an OpenSSH server, in the page's terminal. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { accessible } from './stage/accessible.mjs';
import { Browser, inFirefox } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { SshPage } from './stage/ssh-page.mjs';
import { newKey, Sshd } from './stage/sshd.mjs';
import { until } from './stage/until.mjs';

/** Fits 80 columns on the smallest screen, and the terminal's memory. */
const lines = Array.from({ length: 9000 }, (_, at) => createHash('sha512').update(String(at)).digest('hex').slice(0, 118));
const passphrase = 'correct horse';
const keys = {};

let relay;
let browser;
let sshd;
let tab;
let ssh;

before(async () => {
  const folder = join(process.env.STAGE, `keys-${process.pid}`);
  keys.ed25519 = newKey(folder, 'ed25519');
  keys.locked = newKey(folder, 'locked', { passphrase });
  keys.rsa = newKey(folder, 'rsa', { type: 'rsa', bits: 2048 });
  keys.ecdsa256 = newKey(folder, 'ecdsa256', { type: 'ecdsa', bits: 256 });
  keys.ecdsa521 = newKey(folder, 'ecdsa521', { type: 'ecdsa', bits: 521 });
  keys.stranger = newKey(folder, 'stranger');
  const authorized = ['ed25519', 'locked', 'rsa', 'ecdsa256', 'ecdsa521'].map((name) => keys[name].publicKey);
  relay = await Relay.start();
  // The keys are renewed several times while the large output passes.
  const options = ['RekeyLimit 256K', 'MaxAuthTries 20', `Banner ${join(folder, 'banner')}`];
  writeFileSync(join(folder, 'banner'), 'Authorized\x1b[31m users only.\n');
  sshd = await Sshd.start({ keys: authorized, options, files: { lines: `${lines.join('\n')}\n` } });
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await sshd?.stop();
  await relay?.stop();
});
afterEach(async () => {
  const complaints = tab?.complaints ?? [];
  await tab?.page.close();
  tab = undefined;
  assert.deepEqual(complaints, [], 'the page complained in the console');
});

async function open(options) {
  tab = await browser.open(options);
  ssh = new SshPage(tab.page, host);
}

async function listening(server, port) {
  server.listen(port, '0.0.0.0');
  await once(server, 'listening');
}

test('a password logs in, after the host key was shown and trusted and not before', async () => {
  await open();
  await ssh.logIn({ password: Sshd.password });
  await ssh.question.waitFor();
  assert.ok((await ssh.question.textContent()).includes(sshd.fingerprint('ed25519')), 'the fingerprint is the one of OpenSSH');
  assert.doesNotMatch(sshd.log, /userauth-request/);
  await ssh.trust('Trust once');
  await ssh.prompt();
  await ssh.run('echo "$USER has $LANG and $TERM"');
  await ssh.shows('tester has C.UTF-8 and xterm-256color');
  assert.ok((await ssh.lines()).includes('Authorized[31m users only.'), 'the banner is shown, and commands nothing');
  assert.deepEqual(await ssh.remembered(), []);
});

test('what is typed and printed is UTF-8', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  await ssh.run("echo 'naïve 猫 🐈' | tr a-z A-Z");
  await ssh.shows('NAïVE 猫 🐈');
});

test('a host key that was remembered is not asked for again', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  assert.match((await ssh.remembered())[0], new RegExp(`^${host.replaceAll('.', '\\.')} ssh-ed25519 AAAA`));
  await ssh.run('exit');
  await ssh.says('Logged out with status 0');
  await ssh.logIn({ password: Sshd.password });
  await ssh.prompt();
});

for (const name of ['ed25519', 'rsa', 'ecdsa256', 'ecdsa521']) {
  test(`a private key logs in: ${name}`, async () => {
    await open();
    await ssh.enter({ key: keys[name].text });
    await ssh.run('echo in by key');
    await ssh.shows('in by key');
  });
}

test('a private key asks for its passphrase', async () => {
  await open();
  await ssh.logIn({ key: keys.locked.text });
  await ssh.warns('takes its passphrase');
  await ssh.logIn({ key: keys.locked.text, passphrase: 'wrong' });
  await ssh.warns('not the passphrase');
  await ssh.enter({ key: keys.locked.text, passphrase });
});

test('what is no private key, and a key that the server does not know, are refused', async () => {
  await open();
  await ssh.logIn({ key: 'hello' });
  await ssh.warns('no private key');
  await ssh.logIn({ key: keys.stranger.text });
  await ssh.trust('Trust and remember');
  await ssh.warns('may not log in with this key');
});

test('neither a key nor a password stays in the form once a server was to have it', async () => {
  await open();
  const forgotten = async () => {
    const fields = [tab.page.locator('#ssh-key'), ssh.field('passphrase'), ssh.field('password')];
    assert.deepEqual(await Promise.all(fields.map((field) => field.inputValue())), ['', '', '']);
  };
  await ssh.field('password').fill('of another try');
  const key = keys.locked.text;
  await ssh.logIn({ key, passphrase: 'wrong' });
  await ssh.warns('not the passphrase');
  assert.equal(await tab.page.locator('#ssh-key').inputValue(), key, 'the key itself can be tried again');
  await ssh.logIn({ key, passphrase });
  await ssh.trust('Cancel');
  await ssh.says('Cancelled');
  await forgotten();
  await ssh.logIn({ key: keys.stranger.text });
  await ssh.trust('Trust and remember');
  await ssh.warns('may not log in with this key');
  await forgotten();
  await ssh.logIn({ key, passphrase });
  await ssh.prompt();
  await forgotten();
});

test('a wrong password is said to be wrong, and the right one logs in after it', async () => {
  await open();
  await ssh.logIn({ password: 'wrong' });
  await ssh.trust('Trust and remember');
  await ssh.warns('name or the password is wrong');
  assert.equal(await ssh.field('password').inputValue(), '');
  await ssh.logIn({ password: Sshd.password });
  await ssh.prompt();
});

test('nobody listening, a server of something else, and giving up are said', async () => {
  await open();
  await ssh.logIn({ password: 'x', port: 9 });
  await ssh.warns('ECONNREFUSED');
  const web = createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await listening(web, 8100);
  await ssh.logIn({ password: 'x', port: 8100 });
  await ssh.warns('no SSH server');
  web.close();
  const mute = createServer((socket) => socket.on('error', () => undefined));
  await listening(mute, 8101);
  await ssh.logIn({ password: 'x', port: 8101 });
  await ssh.says('Connecting');
  await tab.page.locator('#ssh-submit').click();
  await ssh.says('Cancelled');
  mute.close();
  await ssh.logIn({ password: 'x' });
  await ssh.question.waitFor();
  await ssh.trust('Cancel');
  await ssh.says('Cancelled');
});

test('the terminal’s size follows the window', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  await ssh.sizeArrives();
  const small = await ssh.size();
  await tab.page.locator('#ssh-enlarge').click();
  await ssh.grows(small);
  await ssh.sizeArrives();
  await tab.page.setViewportSize({ width: 700, height: 500 });
  await ssh.sizeArrives();
});

test('a megabyte of output arrives whole, while the keys are renewed', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  await tab.page.locator('#ssh-enlarge').click();
  await ssh.grows({ columns: 118, rows: 1 });
  await ssh.sizeArrives();
  await ssh.run('cat lines; echo the $((40 + 2)) end');
  await ssh.shows('the 42 end', 60_000);
  const printed = await ssh.lines();
  const start = printed.indexOf(lines[0]);
  assert.ok(start >= 0);
  assert.deepEqual(printed.slice(start, start + lines.length), lines);
  const since = sshd.log.slice(sshd.log.lastIndexOf('Accepted password'));
  assert.ok(since.split('SSH2_MSG_KEXINIT received').length > 3, 'the server renewed the keys');
});

test('a long paste arrives whole', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  const text = `${'0123456789'.repeat(30_000)}\n`;
  await ssh.run(`stty -icanon -echo; echo ready; head -c ${text.length} | sha256sum; stty sane`);
  await ssh.shows('ready');
  await ssh.paste(text);
  await ssh.shows(`${createHash('sha256').update(text).digest('hex')}  -`);
});

test('what is selected is copied, and what is copied is pasted, by the usual keys', async () => {
  await open();
  await tab.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ssh.enter({ password: Sshd.password });
  await ssh.run('echo copy"-"me');
  await ssh.shows('copy-me');
  const { x, y } = await tab.page
    .locator('.xterm-rows > div')
    .filter({ hasText: /^copy-me/ })
    .boundingBox();
  await tab.page.mouse.dblclick(x + 10, y + 8);
  await tab.page.keyboard.press('Control+c');
  await ssh.type('echo pasted ');
  await tab.page.keyboard.press('Control+v');
  await tab.page.keyboard.press('Enter');
  await ssh.shows('pasted copy-me');
  // Without a selection it interrupts.
  await ssh.run('sh -c "echo as""leep; exec sleep 1000"');
  await ssh.shows('asleep');
  await tab.page.keyboard.press('Control+c');
  await ssh.run('echo interrupted $?');
  await ssh.shows('interrupted 130');
  // On another layout, such as Dvorak's, V is elsewhere, and where it was is another letter.
  const elsewhere = await tab.page.evaluate(() =>
    ['v', 'k'].map((key) => {
      const code = key === 'v' ? 'Period' : 'KeyV';
      const init = { key, code, keyCode: key.toUpperCase().charCodeAt(0), ctrlKey: true, bubbles: true, cancelable: true };
      // The terminal prevents what it takes for itself.
      return document.querySelector('#ssh-terminal textarea').dispatchEvent(new KeyboardEvent('keydown', init));
    }),
  );
  assert.deepEqual(elsewhere, [true, false]);
});

test('control and F6 leave the terminal', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  await tab.page.keyboard.press('Control+F6');
  await tab.page.locator('#ssh-disconnect:focus').waitFor();
});

test('disconnecting, and a server that dies, end the session', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  await tab.page.locator('#ssh-disconnect').click();
  await ssh.says('You disconnected');
  await ssh.logIn({ password: Sshd.password });
  await ssh.prompt();
  await ssh.run('exec sh -c "kill -9 $PPID"');
  await ssh.says(/Connection lost|Closed by the server/);
});

test('a changed host key is refused loudly, nothing is sent, and forgetting the old one is the way out', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  await tab.page.locator('#ssh-disconnect').click();
  await ssh.says('You disconnected');
  const old = sshd.fingerprint('ed25519');
  sshd.renewHostKeys(['ed25519', 'rsa', 'ecdsa']);
  await sshd.restart();
  await ssh.logIn({ password: Sshd.password });
  await ssh.warns('has changed!');
  const alarm = await ssh.alert.textContent();
  assert.ok(alarm.includes(old) && alarm.includes(sshd.fingerprint('ed25519')), 'both fingerprints are shown');
  assert.doesNotMatch(sshd.log, /userauth-request/);
  await ssh.says('Refused');
  await tab.page.getByRole('button', { name: `Forget ${host}` }).click();
  await ssh.logIn({ password: Sshd.password });
  await ssh.trust('Trust once');
  await ssh.prompt();
});

test('a server that has another type of key than the remembered one is refused as well', async () => {
  await open();
  await ssh.enter({ password: Sshd.password });
  await tab.page.locator('#ssh-disconnect').click();
  await ssh.says('You disconnected');
  sshd.renewHostKeys(['rsa']);
  await sshd.restart();
  await ssh.logIn({ password: Sshd.password });
  await ssh.warns('has changed!');
  sshd.renewHostKeys(['ed25519', 'rsa', 'ecdsa']);
  await sshd.restart();
});

const asking = ['UsePAM yes', 'PasswordAuthentication no', 'KbdInteractiveAuthentication yes'];
const servers = {
  'NIST curves, AES-CTR, an ECDSA host key': [
    'KexAlgorithms ecdh-sha2-nistp384',
    'Ciphers aes256-ctr',
    'MACs hmac-sha2-512-etm@openssh.com',
    'HostKeyAlgorithms ecdsa-sha2-nistp256',
  ],
  'X25519, AES-GCM, an RSA host key': [
    'KexAlgorithms curve25519-sha256',
    'Ciphers aes256-gcm@openssh.com',
    'HostKeyAlgorithms rsa-sha2-512',
  ],
  'a question in place of a password': [...asking],
};
for (const [index, [name, options]] of Object.entries(servers).entries()) {
  test(`a server of this kind lets in: ${name}`, async () => {
    const port = 2200 + index;
    const other = await Sshd.start({ port, options });
    try {
      await open();
      await ssh.logIn({ port, password: 'wrong' });
      await ssh.trust('Trust and remember');
      await ssh.warns('wrong');
      await ssh.logIn({ port, password: Sshd.password });
      await ssh.prompt();
      assert.match((await ssh.remembered())[0], new RegExp(`^\\[${host.replaceAll('.', '\\.')}\\]:${port} `));
    } finally {
      await other.stop();
    }
  });
}

test('a server that has more questions gets the answers from the user', async () => {
  const other = await Sshd.start({ port: 2211, options: asking, guest: true });
  try {
    await open();
    await ssh.logIn({ port: 2211, password: Sshd.password });
    await ssh.trust('Trust and remember');
    await ssh.question.getByLabel('e-mail address').waitFor();
    await accessible(tab.page, '#ssh');
    await ssh.answer('e-mail address', 'tester@example.com');
    await ssh.prompt();
  } finally {
    await other.stop();
  }
});

test('who does not answer a server’s question is at the form again, and the connection ends', async () => {
  const other = await Sshd.start({ port: 2214, options: asking, guest: true });
  try {
    await open();
    for (const giveUp of [() => ssh.trust('Cancel'), () => ssh.question.press('Escape')]) {
      await ssh.logIn({ port: 2214, password: Sshd.password });
      await ssh.trust('Trust once');
      await ssh.question.getByLabel('e-mail address').waitFor();
      await giveUp();
      await ssh.says('Cancelled');
      assert.equal(await tab.page.locator('#ssh').getAttribute('data-state'), 'idle');
      assert.equal(await ssh.alert.getAttribute('hidden'), '', 'nothing is complained of');
    }
    await until('both connections ended', () => other.log.split(/(?:Connection closed|Disconnected) (?:by|from)/).length > 2);
  } finally {
    await other.stop();
  }
});

for (const first of ['password', 'publickey']) {
  test(`a second factor after ${first} is asked for, and not answered with the password`, async () => {
    const options = ['UsePAM yes', 'KbdInteractiveAuthentication yes', `AuthenticationMethods ${first},keyboard-interactive`];
    const port = first === 'password' ? 2215 : 2217;
    const other = await Sshd.start({ port, keys: [keys.ed25519.publicKey], options, guest: true });
    try {
      await open();
      await ssh.logIn({ port, ...(first === 'password' ? { password: Sshd.password } : { key: keys.ed25519.text }) });
      await ssh.trust('Trust once');
      await ssh.answer('Password', Sshd.password);
      await ssh.answer('e-mail address', 'tester@example.com');
      await ssh.prompt();
    } finally {
      await other.stop();
    }
  });
}

test('a server that wants a password besides the key says so', async () => {
  const options = ['AuthenticationMethods publickey,password'];
  const other = await Sshd.start({ port: 2216, keys: [keys.ed25519.publicKey], options });
  try {
    await open();
    await ssh.logIn({ port: 2216, key: keys.ed25519.text });
    await ssh.trust('Trust once');
    await ssh.warns('The key was accepted; the server also wants a password, which is not done here.');
  } finally {
    await other.stop();
  }
});

test('without a password the server is asked what it wants instead, and says so when it wants one', async () => {
  const questions = await Sshd.start({ port: 2212, options: asking });
  const password = await Sshd.start({ port: 2213, options: ['KbdInteractiveAuthentication no'] });
  try {
    await open();
    await ssh.logIn({ port: 2212, password: '' });
    await ssh.trust('Trust once');
    await ssh.answer('Password', Sshd.password);
    await ssh.prompt();
    await ssh.run('exit');
    await ssh.says('Logged out with status 0');
    await ssh.logIn({ port: 2213, password: '' });
    await ssh.trust('Trust once');
    await ssh.warns('name or the password is wrong');
  } finally {
    await questions.stop();
    await password.stop();
  }
});

test('a server that takes no passwords says what it wants', async () => {
  const other = await Sshd.start({ port: 2210, options: ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'] });
  try {
    await open();
    await ssh.logIn({ port: 2210, password: Sshd.password });
    await ssh.trust('Trust once');
    await ssh.warns('wants a key');
  } finally {
    await other.stop();
  }
});

// Firefox does not let itself be told the other scheme.
for (const colorScheme of inFirefox ? ['light'] : ['light', 'dark']) {
  test(`the panel is accessible (WCAG 2.2 AA) in each of its states, ${colorScheme}`, async () => {
    await open({ colorScheme });
    await ssh.logIn({ key: 'hello' });
    await ssh.warns('no private key');
    await accessible(tab.page, '#ssh');
    await ssh.logIn({ password: Sshd.password });
    await ssh.question.waitFor();
    await accessible(tab.page, '#ssh');
    await ssh.trust('Trust and remember');
    await ssh.prompt();
    await ssh.run('printf "\\033[31mred \\033[32mgreen \\033[33myellow \\033[34mblue \\033[0m\\n"');
    await ssh.shows(/^red green yellow blue ?$/);
    await accessible(tab.page, '#ssh');
    await tab.page.evaluate(() => {
      const name = 'ethertab.known_hosts';
      localStorage[name] = localStorage[name].replace(
        / AAAA\S+/,
        ' AAAAC3NzaC1lZDI1NTE5AAAAIDpOSbH0VxkxWA+JqgsgM0ZqTv1jT/MH65T5gQtMnEl+',
      );
    });
    await ssh.run('exit');
    await ssh.says('Logged out');
    await accessible(tab.page, '#ssh');
    await ssh.logIn({ password: Sshd.password });
    await ssh.warns('has changed!');
    await accessible(tab.page, '#ssh');
  });
}
