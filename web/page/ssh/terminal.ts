/** A terminal in the page: xterm.js, as large as its box, in the page's colours. */
import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';
import { element, oncePerFrame } from '../element.js';
import { letterOf } from './letter.js';
import type { TerminalSize } from './protocol/requests.js';

/** Lines that can be scrolled back to. */
const scrollback = 10_000;

export interface TerminalEvents {
  typed(text: string): void;
  resized(size: TerminalSize): void;
  /** Control and F6 were pressed: the keyboard is to go elsewhere. */
  left(): void;
}

export class PageTerminal {
  /** xterm's own. */
  readonly terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');

  constructor(box: HTMLElement, events: TerminalEvents) {
    // xterm measures what it stands in, and takes its padding for room.
    const room = element('div', { class: 'room' });
    box.append(room);
    const style = getComputedStyle(box);
    this.terminal = new Terminal({
      fontFamily: style.getPropertyValue('--mono'),
      fontSize: 13,
      lineHeight: 1.2,
      scrollback,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      minimumContrastRatio: 4.5,
      theme: this.#theme(style),
    });
    this.terminal.loadAddon(this.#fit);
    this.terminal.open(room);
    const { textarea } = this.terminal;
    textarea?.setAttribute('aria-label', 'Terminal. Control and F6 leave it.');
    this.terminal.onData((text) => events.typed(text));
    this.terminal.onResize(({ cols, rows }) => events.resized({ columns: cols, rows }));
    this.terminal.attachCustomKeyEventHandler((event) => this.#key(event, events));
    new ResizeObserver(oncePerFrame(() => this.#fit.fit())).observe(room);
    this.#dark.addEventListener('change', () => {
      this.terminal.options.theme = this.#theme(getComputedStyle(box));
    });
    this.#fit.fit();
  }

  get size(): TerminalSize {
    return { columns: this.terminal.cols, rows: this.terminal.rows };
  }

  /** Resolves when it is drawn. */
  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => this.terminal.write(bytes, resolve));
  }

  /** Text that may not command the terminal. */
  plain(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is taken out.
    const harmless = text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
    void this.write(harmless.replaceAll('\n', '\r\n'));
  }

  /** A line of the page's own, set apart from what the server prints. */
  remark(text: string): void {
    const fresh = this.terminal.buffer.active.cursorX === 0 ? '' : '\r\n';
    void this.write(`${fresh}\x1b[0;90m${text}\x1b[0m\r\n`);
  }

  clear(): void {
    this.terminal.reset();
  }

  focus(): void {
    this.terminal.focus();
  }

  /** `false`: the browser does with a key what it does elsewhere. */
  #key(event: KeyboardEvent, events: TerminalEvents): boolean {
    const { ctrlKey, shiftKey, altKey, metaKey, code, type } = event;
    if (!ctrlKey || altKey || metaKey) return true;
    if (code === 'F6') {
      // Firefox would go on to its own panes.
      event.preventDefault();
      if (type === 'keydown') events.left();
      return false;
    }
    // Copies when something is selected, and else interrupts, which is what it does in a terminal.
    const letter = letterOf(event);
    if (letter === 'c' && !shiftKey && this.terminal.hasSelection()) return false;
    return letter !== 'v';
  }

  #theme(style: CSSStyleDeclaration): ITheme {
    const colour = (name: string) => style.getPropertyValue(name).trim();
    return {
      background: colour('--terminal'),
      foreground: colour('--text'),
      cursor: colour('--accent'),
      cursorAccent: colour('--terminal'),
      selectionBackground: colour('--selection'),
      ...(this.#dark.matches ? onDark : onLight),
    };
  }
}

const onLight: ITheme = {
  black: '#161b22',
  red: '#b3261e',
  green: '#1b7a3d',
  yellow: '#8a5a00',
  blue: '#1a5fc4',
  magenta: '#7a3fc4',
  cyan: '#0b766f',
  white: '#566070',
  brightBlack: '#566070',
  brightRed: '#cf3b31',
  brightGreen: '#23884a',
  brightYellow: '#965400',
  brightBlue: '#2f74dc',
  brightMagenta: '#8f55d8',
  brightCyan: '#0f837b',
  brightWhite: '#161b22',
};

const onDark: ITheme = {
  black: '#262f3b',
  red: '#ff9a8f',
  green: '#5ecb83',
  yellow: '#efb765',
  blue: '#82b4ff',
  magenta: '#c3a3ff',
  cyan: '#5fd0c6',
  white: '#c8d0da',
  brightBlack: '#8693a3',
  brightRed: '#ffb3aa',
  brightGreen: '#86dfa4',
  brightYellow: '#f7cf8f',
  brightBlue: '#a9cbff',
  brightMagenta: '#d7c1ff',
  brightCyan: '#8ee3da',
  brightWhite: '#f3f6fa',
};
