/** The SSH panel of the page, as its user handles it. */
import { Sshd } from './sshd.mjs';
import { until } from './until.mjs';

export class SshPage {
  constructor(page, host) {
    this.page = page;
    this.host = host;
    this.question = page.locator('#ssh-question form');
    this.alert = page.locator('#ssh-alert');
  }

  field(name) {
    return this.page.locator(`#ssh-form [name=${name}]`);
  }

  /** Fills the form and sends it. */
  async logIn({ password, key, passphrase = '', port = 22, user = Sshd.user }) {
    await this.field('host').fill(this.host);
    await this.field('port').fill(String(port));
    await this.field('user').fill(user);
    await this.field('method').selectOption(key === undefined ? 'password' : 'key');
    if (key === undefined) {
      await this.field('password').fill(password);
    } else {
      await this.page.locator('#ssh-key').fill(key);
      await this.field('passphrase').fill(passphrase);
    }
    await this.page.locator('#ssh-submit').click();
  }

  async trust(choice) {
    await this.question.getByRole('button', { name: choice, exact: true }).click();
  }

  /** Answers the question of the server that is asked like this. */
  async answer(question, text) {
    await this.question.getByLabel(question).fill(text);
    await this.question.getByRole('button', { name: 'Answer' }).click();
  }

  /** Logs in to a server that is seen for the first time. */
  async enter(login) {
    await this.logIn(login);
    await this.trust('Trust and remember');
    await this.prompt();
  }

  /** Waits for the shell to be ready. */
  async prompt() {
    await this.page.locator('#ssh[data-state="open"]').waitFor({ timeout: 30_000 });
    await this.shows(/^\$ ?$/);
  }

  /** Types at the next prompt: what is typed before it would stand in front of it. */
  async type(text) {
    await until('the shell asks for a command', async () => /^\$ ?$/.test((await this.lines()).at(-1)), 30_000);
    await this.page.locator('#ssh-terminal textarea').focus();
    await this.page.keyboard.insertText(text);
  }

  async run(command) {
    await this.type(command);
    await this.page.keyboard.press('Enter');
  }

  async paste(text) {
    await this.page.evaluate((pasted) => terminal.paste(pasted), text);
  }

  /** The terminal's lines, as long as the server wrote them, without the empty end. */
  lines() {
    return this.page.evaluate(() => {
      const { active } = terminal.buffer;
      const lines = [];
      for (let at = 0; at < active.length; at += 1) {
        const line = active.getLine(at);
        const text = line.translateToString(!active.getLine(at + 1)?.isWrapped);
        if (line.isWrapped && lines.length > 0) lines.push(lines.pop() + text);
        else lines.push(text);
      }
      while (lines.at(-1) === '') lines.pop();
      return lines;
    });
  }

  /** Waits for a line. */
  async shows(wanted, within = 30_000) {
    const matches = (line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line));
    let lines = [];
    await until(
      `the terminal shows ${wanted}`,
      async () => {
        lines = await this.lines();
        if (lines.some(matches)) return true;
        throw new Error(lines.slice(-5).join('⏎'));
      },
      within,
    );
  }

  async says(text) {
    await this.page.locator('#ssh-note').filter({ hasText: text }).waitFor({ timeout: 30_000 });
  }

  async warns(text) {
    await this.alert.filter({ hasText: text }).waitFor({ timeout: 30_000 });
  }

  size() {
    return this.page.evaluate(() => ({ columns: terminal.cols, rows: terminal.rows }));
  }

  async grows({ columns, rows }) {
    await this.page.waitForFunction(([c, r]) => terminal.cols > c && terminal.rows > r, [columns, rows]);
  }

  /** Waits until the server's terminal has the size of the page's. */
  async sizeArrives() {
    const size = async () => {
      const { columns, rows } = await this.size();
      await this.page.evaluate(() => terminal.clear());
      await this.run('stty size');
      await this.shows(`${rows} ${columns}`, 10_000);
      return true;
    };
    await until('the server knows the size', size, 60_000);
  }

  remembered() {
    return this.page.evaluate(() => (localStorage['ethertab.known_hosts'] ?? '').split('\n').filter(Boolean));
  }
}
