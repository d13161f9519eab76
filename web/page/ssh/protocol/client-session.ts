/** The library's session, with what it leaves out. */
import type { SshDataWriter } from '@microsoft/dev-tunnels-ssh/io/sshData.js';
import {
  AuthenticationFailureMessage,
  AuthenticationRequestMessage,
} from '@microsoft/dev-tunnels-ssh/messages/authenticationMessages.js';
import type { AuthenticationMethod } from '@microsoft/dev-tunnels-ssh/messages/authenticationMethod.js';
import { KeyExchangeInitMessage } from '@microsoft/dev-tunnels-ssh/messages/kexMessages.js';
import { SshClientSession } from '@microsoft/dev-tunnels-ssh/sshClientSession.js';

export class Session extends SshClientSession {
  /** Methods of authentication that the server said it would take. */
  accepted: readonly string[] = [];

  /** Tries this method of authentication and no other. */
  only(method: 'publickey' | 'password' | 'keyboard-interactive'): void {
    const { authenticationMethods } = this.config;
    authenticationMethods.splice(0, authenticationMethods.length, method as AuthenticationMethod);
  }

  /** Answers when the server begins to renew the keys (RFC 4253 §9), which the library itself does not. */
  override async handleMessage(...parameters: Parameters<SshClientSession['handleMessage']>): Promise<void> {
    const [message] = parameters;
    if (message instanceof AuthenticationFailureMessage) this.accepted = message.methodNames ?? [];
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

/** The library leaves the last two fields of RFC 4256 §3.1 out: languages and submethods, of which none is preferred. */
class InteractiveRequest extends AuthenticationRequestMessage {
  protected override onWrite(writer: SshDataWriter): void {
    super.onWrite(writer);
    writer.writeString('', 'ascii');
    writer.writeString('', 'utf8');
  }
}
