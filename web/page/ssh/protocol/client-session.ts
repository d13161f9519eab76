/** The library's session, with what it leaves out. */
import type { SshDataReader, SshDataWriter } from '@microsoft/dev-tunnels-ssh/io/sshData.js';
import {
  AuthenticationFailureMessage,
  AuthenticationRequestMessage,
} from '@microsoft/dev-tunnels-ssh/messages/authenticationMessages.js';
import { KeyExchangeInitMessage } from '@microsoft/dev-tunnels-ssh/messages/kexMessages.js';
import { SshMessage } from '@microsoft/dev-tunnels-ssh/messages/sshMessage.js';
import { SshClientSession } from '@microsoft/dev-tunnels-ssh/sshClientSession.js';
import type { SshSessionConfiguration } from '@microsoft/dev-tunnels-ssh/sshSessionConfiguration.js';

export class Session extends SshClientSession {
  /** Methods of authentication that the server said it would take. */
  accepted: readonly string[] = [];
  /** The method tried last did succeed, and the server wants another one besides (RFC 4252 §5.1). */
  partial = false;
  readonly #banner: (text: string) => void;

  /** `banner` is told what the server has to say before it lets somebody in (RFC 4252 §5.4). */
  constructor(config: SshSessionConfiguration, banner: (text: string) => void) {
    config.messages.set(bannerType, Banner);
    super(config);
    this.#banner = banner;
  }

  /** Tries this method of authentication and no other. */
  only(method: 'none' | 'publickey' | 'password' | 'keyboard-interactive'): void {
    const { authenticationMethods } = this.config;
    authenticationMethods.splice(0, authenticationMethods.length, method);
  }

  /** Answers when the server begins to renew the keys (RFC 4253 §9), which the library itself does not. */
  override async handleMessage(...parameters: Parameters<SshClientSession['handleMessage']>): Promise<void> {
    const [message] = parameters;
    if (message instanceof Banner) {
      this.#banner(message.text);
      return;
    }
    if (message instanceof AuthenticationFailureMessage) {
      this.accepted = message.methodNames ?? [];
      this.partial = message.partialSuccess;
    }
    if (message instanceof KeyExchangeInitMessage && this.kexService?.exchanging === false) {
      const [ours] = await this.kexService.startKeyExchange(false);
      await this.sendMessage(ours);
    }
    await super.handleMessage(...parameters);
  }

  /** Completes requests for keyboard-interactive login. */
  override async sendMessage(...[message, ...rest]: Parameters<SshClientSession['sendMessage']>): Promise<void> {
    const complete =
      message instanceof AuthenticationRequestMessage && message.methodName === 'keyboard-interactive'
        ? Object.assign(new InteractiveRequest(), message)
        : message;
    await super.sendMessage(complete, ...rest);
  }
}

/** SSH_MSG_USERAUTH_BANNER. */
const bannerType = 53;

class Banner extends SshMessage {
  text = '';

  override get messageType(): number {
    return bannerType;
  }

  protected override onRead(reader: SshDataReader): void {
    this.text = reader.readString('utf8');
  }
}

/** The library leaves the last two fields of RFC 4256 §3.1 out: languages and submethods, of which none is preferred. */
class InteractiveRequest extends AuthenticationRequestMessage {
  protected override onWrite(writer: SshDataWriter): void {
    super.onWrite(writer);
    writer.writeString('', 'ascii');
    writer.writeString('', 'utf8');
  }
}
