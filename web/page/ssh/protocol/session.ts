/**
 * An SSH connection over a socket of ours, from the handshake to a shell on a terminal (RFC 4252 to 4254). The protocol is that of
 * @microsoft/dev-tunnels-ssh; its cryptography is the browser's.
 */
import { SshAuthenticationType } from '@microsoft/dev-tunnels-ssh/events/sshAuthenticatingEventArgs.js';
import { AuthenticationInfoResponseMessage } from '@microsoft/dev-tunnels-ssh/messages/authenticationMessages.js';
import { ChannelOpenMessage, ChannelRequestMessage } from '@microsoft/dev-tunnels-ssh/messages/connectionMessages.js';
import { SshDisconnectReason } from '@microsoft/dev-tunnels-ssh/messages/transportMessages.js';
import type { TcpSocket } from '../../../src/types.js';
import { type HostKey, hostKey } from '../host-key.js';
import type { PrivateKey } from '../private-key.js';
import { configuration } from './algorithms.js';
import { Session } from './client-session.js';
import { keyPair } from './key-pair.js';
import { Environment, TerminalRequest, type TerminalSize } from './requests.js';
import { Shell } from './shell.js';
import { SocketStream } from './stream.js';

export interface Login {
  readonly user: string;
  /** A password, which, unless it is empty, also answers the one hidden question of keyboard-interactive login; or a key. */
  readonly secret: { readonly password: string } | { readonly key: PrivateKey };
  /** Types of host key that are remembered of this server. */
  readonly rememberedTypes: readonly string[];
  readonly size: TerminalSize;
}

export interface Judge {
  /** Whether to go on with a server that has proved to hold this key. Nothing of the user's is sent before. */
  accepts(key: HostKey): Promise<boolean>;
  /** Answers a server's questions (RFC 4256), in their order. `null`: gives up. */
  answers(questions: readonly { prompt: string; echo: boolean }[], instruction: string): Promise<string[] | null>;
  /** Shows what the server says before it lets anybody in. Anybody who could answer in its place may have written it. */
  banner(text: string): void;
  /** Takes what the shell prints; the server waits while it does. */
  output(bytes: Uint8Array): Promise<void>;
}

/** Why there is no shell. */
export class LoginError extends Error {
  /** `host-key`: not accepted · `given-up`: a question was not answered · `refused`: by the server · `failed`: all else. */
  readonly reason: 'host-key' | 'given-up' | 'refused' | 'failed';

  constructor(reason: LoginError['reason'], message: string) {
    super(message);
    this.name = 'LoginError';
    this.reason = reason;
  }
}

/** Logs in over a connected socket, and starts a shell. Throws a {@link LoginError}; the socket is closed then. */
export async function logIn(socket: TcpSocket, login: Login, judge: Judge): Promise<Shell> {
  const session = new Session(await configuration(login.rememberedTypes), (text) => judge.banner(text));
  let accepted = true;
  const careful: Judge = {
    ...judge,
    accepts: async (key) => {
      accepted = await judge.accepts(key);
      return accepted;
    },
  };
  const closed = new Promise<never>((_, reject) => {
    session.onClosed(({ message }) => reject(new LoginError('failed', message)));
  });
  closed.catch(() => undefined);
  try {
    return await Promise.race([closed, enter(session, new SocketStream(socket), login, careful)]);
  } catch (error) {
    await session.close(SshDisconnectReason.byApplication, 'No shell.').catch(() => undefined);
    session.dispose();
    socket.abort();
    if (!accepted) throw new LoginError('host-key', 'The server’s host key was not accepted.');
    if (error instanceof LoginError) throw error;
    throw new LoginError('failed', said(error));
  }
}

function said(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message === 'Failed to read the protocol version' ? 'This is no SSH server.' : message;
}

async function enter(session: Session, stream: SocketStream, login: Login, judge: Judge): Promise<Shell> {
  session.onAuthenticating((event) => {
    if (event.authenticationType !== SshAuthenticationType.serverPublicKey) return;
    event.authenticationPromise = (async () => {
      const blob = await event.publicKey?.getPublicKeyBytes();
      if (!blob) return null;
      const key = hostKey(blob);
      return (await judge.accepts(key)) ? key : null;
    })();
  });
  await session.connect(stream);
  if (!(await session.authenticateServer())) throw new LoginError('failed', 'The server showed no host key that was accepted.');
  await authenticate(session, login, judge);
  return openShell(session, login.size, judge);
}

async function authenticate(session: Session, { user, secret }: Login, judge: Judge): Promise<void> {
  if ('key' in secret) {
    session.only('publickey');
    if (await session.authenticateClient({ username: user, publicKeys: [await keyPair(secret.key)] })) return;
    if (session.partial && session.accepted.includes('keyboard-interactive')) return answerQuestions(session, user, '', judge);
    throw refusal(session, 'publickey', `${user} may not log in with this key.`);
  }
  const { password } = secret;
  if (password === '') {
    // Who has no password may get in by it (RFC 4252 §5.2); others learn what the server would rather have.
    session.only('none');
    if (await session.authenticateClient({ username: user })) return;
  }
  if (password !== '' || !session.accepted.includes('keyboard-interactive')) {
    session.only('password');
    // As `password` the library would take an empty one for none.
    if (await session.authenticateClient({ username: user, passwordProvider: async () => [user, password] })) return;
    const asks = session.accepted.includes('keyboard-interactive');
    if (!asks || (!session.partial && session.accepted.includes('password'))) {
      throw refusal(session, 'password', 'The name or the password is wrong.');
    }
  }
  // A second factor is another than the password.
  await answerQuestions(session, user, session.partial ? '' : password, judge);
}

/** The server asks questions instead; as a rule just the one for the password, which `password` answers if it is not empty. */
async function answerQuestions(session: Session, user: string, password: string, judge: Judge): Promise<void> {
  session.only('keyboard-interactive');
  let first = true;
  let giveUp = () => {};
  // The library keeps what the handler throws to itself.
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = () => reject(new LoginError('given-up', 'A question was not answered.'));
  });
  session.onAuthenticating((event) => {
    if (event.authenticationType !== SshAuthenticationType.clientInteractive) return;
    const { prompts = [], instruction = '' } = event.infoRequest ?? {};
    const plain = password !== '' && first && prompts.length === 1 && prompts[0]?.echo === false;
    if (prompts.length > 0) first = false;
    event.authenticationPromise = (async () => {
      const answers = plain ? [password] : prompts.length === 0 ? [] : await judge.answers(prompts, instruction);
      if (answers === null) {
        giveUp();
        // The server waits for an answer, and gets the end of the connection.
        return new Promise(() => undefined);
      }
      event.infoResponse = new AuthenticationInfoResponseMessage();
      event.infoResponse.responses = answers;
      return null;
    })();
  });
  if (await Promise.race([givenUp, session.authenticateClient({ username: user })])) return;
  const wrong = password === '' ? 'The name or an answer is wrong.' : 'The name, the password or another answer is wrong.';
  throw refusal(session, 'keyboard-interactive', wrong);
}

/** Why a method was not enough: because the server wants another besides or instead, or for the reason given. */
function refusal({ accepted, partial }: Session, method: string, message: string): LoginError {
  if (!partial && (accepted.length === 0 || accepted.includes(method))) return new LoginError('refused', message);
  const names: Record<string, string> = {
    publickey: 'a key',
    password: 'a password',
    'keyboard-interactive': 'answers to questions',
  };
  const wanted = accepted.map((name) => names[name] ?? name).join(' or ');
  if (!partial) return new LoginError('refused', `The server wants ${wanted} to log in.`);
  const done = { publickey: 'The key was', password: 'The password was' }[method] ?? 'The answers were';
  return new LoginError('failed', `${done} accepted; the server also wants ${wanted}, which is not done here.`);
}

/** Bytes of output that may be on their way. */
const window = 1024 * 1024;

async function openShell(session: Session, size: TerminalSize, judge: Judge): Promise<Shell> {
  const opening = new ChannelOpenMessage();
  opening.channelType = 'session';
  opening.maxWindowSize = window;
  const channel = await session.openChannel(opening);
  const shell = new Shell(session, channel, (bytes) => judge.output(bytes));
  await channel.request(new Environment('LANG', 'C.UTF-8'));
  if (!(await channel.request(new TerminalRequest(size)))) throw new LoginError('failed', 'The server gives no terminal.');
  if (!(await channel.request(new ChannelRequestMessage('shell', true))))
    throw new LoginError('failed', 'The server gives no shell.');
  return shell;
}
