/** What is asked for on a session's channel (RFC 4254 §6) that the library does not know. */
import type { SshDataWriter } from '@microsoft/dev-tunnels-ssh/io/sshData.js';
import { ChannelRequestMessage } from '@microsoft/dev-tunnels-ssh/messages/connectionMessages.js';
import { Buffer } from 'buffer';

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Mode IUTF8 is on (RFC 8160), and that is all. */
const modes = Buffer.from([42, 0, 0, 0, 1, 0]);

/** `pty-req` (§6.2). */
export class TerminalRequest extends ChannelRequestMessage {
  readonly #size: TerminalSize;

  constructor(size: TerminalSize) {
    super('pty-req', true);
    this.#size = size;
  }

  protected override onWrite(writer: SshDataWriter): void {
    super.onWrite(writer);
    writer.writeString('xterm-256color', 'ascii');
    writeSize(writer, this.#size);
    writer.writeBinary(modes);
  }
}

/** `window-change` (§6.7). */
export class WindowChange extends ChannelRequestMessage {
  readonly #size: TerminalSize;

  constructor(size: TerminalSize) {
    super('window-change', false);
    this.#size = size;
  }

  protected override onWrite(writer: SshDataWriter): void {
    super.onWrite(writer);
    writeSize(writer, this.#size);
  }
}

/** `env` (§6.4): a wish, which most servers grant for LANG alone. */
export class Environment extends ChannelRequestMessage {
  readonly #name: string;
  readonly #value: string;

  constructor(name: string, value: string) {
    super('env', false);
    this.#name = name;
    this.#value = value;
  }

  protected override onWrite(writer: SshDataWriter): void {
    super.onWrite(writer);
    writer.writeString(this.#name, 'ascii');
    writer.writeString(this.#value, 'utf8');
  }
}

/** Characters, and no word on pixels. */
function writeSize(writer: SshDataWriter, { columns, rows }: TerminalSize): void {
  for (const value of [columns, rows, 0, 0]) writer.writeUInt32(value);
}
