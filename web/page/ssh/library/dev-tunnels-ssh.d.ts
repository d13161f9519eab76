/**
 * What is used of @microsoft/dev-tunnels-ssh, all of its modules in one. Its own types bring those of Node.js, which get in the way
 * of the browser's.
 */
import type { Buffer } from 'buffer';
import type { Event } from 'vscode-jsonrpc/lib/events.js';

// ── algorithms/sshAlgorithms

interface Algorithm {
  readonly name: string;
}

export interface Signer {
  readonly digestLength: number;
  sign(data: Buffer): Promise<Buffer>;
  dispose(): void;
}

export interface Verifier {
  readonly digestLength: number;
  verify(data: Buffer, signature: Buffer): Promise<boolean>;
  dispose(): void;
}

export interface KeyPair {
  readonly keyAlgorithmName: string;
  readonly hasPublicKey: boolean;
  readonly hasPrivateKey: boolean;
  comment: string | null;
  setPublicKeyBytes(keyBytes: Buffer): Promise<void>;
  getPublicKeyBytes(algorithmName?: string): Promise<Buffer | null>;
  generate(): Promise<void>;
  importParameters(parameters: object): Promise<void>;
  exportParameters(): Promise<object>;
  dispose(): void;
}

export interface KeyExchange extends Signer {
  startKeyExchange(): Promise<Buffer>;
  decryptKeyExchange(exchangeValue: Buffer): Promise<Buffer>;
}

/** Of a hash: its name (`SHA2-256`) and its length in bytes. */
export abstract class KeyExchangeAlgorithm implements Algorithm {
  protected constructor(name: string, keySizeInBits: number, hashAlgorithmName: string, hashDigestLength: number);
  readonly name: string;
  abstract createKeyExchange(): KeyExchange;
}

export abstract class PublicKeyAlgorithm implements Algorithm {
  protected constructor(name: string, keyAlgorithmName: string, hashAlgorithmName: string);
  readonly name: string;
  readonly keyAlgorithmName: string;
  abstract createKeyPair(): KeyPair;
  abstract generateKeyPair(keySizeInBits?: number): Promise<KeyPair>;
  abstract createSigner(pair: KeyPair): Signer;
  abstract createVerifier(pair: KeyPair): Verifier;
}

type Curve = 256 | 384 | 521;

export const SshAlgorithms: {
  keyExchange: Record<`ecdhNistp256Sha256` | `ecdhNistp384Sha384` | `ecdhNistp521Sha512`, KeyExchangeAlgorithm>;
  publicKey: Record<`ecdsaSha2Nistp${Curve}` | 'rsaWithSha256' | 'rsaWithSha512', PublicKeyAlgorithm>;
  encryption: Record<'aes256Gcm' | 'aes256Ctr', Algorithm>;
  hmac: Record<'hmacSha256Etm' | 'hmacSha512Etm', Algorithm>;
};

// ── io/bigInt, io/sshData, streams

/** `mpint` of RFC 4251 §5. */
interface Mpint {
  readonly sign: number;
}
declare const Mpint: { fromBytes(bytes: Buffer, options: { unsigned: boolean }): Mpint };

export { Mpint as BigInt };

export interface SshDataReader {
  readString(encoding: 'ascii' | 'utf8'): string;
}

export interface SshDataWriter {
  writeString(value: string, encoding: 'ascii' | 'utf8'): void;
  writeBinary(data: Buffer): void;
  writeUInt32(value: number): void;
}

export interface Stream {
  read(count: number): Promise<Buffer | null>;
  write(data: Buffer): Promise<void>;
  close(error?: Error): Promise<void>;
  dispose(): void;
  readonly closed: Event<{ error?: Error }>;
  readonly isDisposed: boolean;
}

// ── messages

export abstract class SshMessage {
  get messageType(): number;
  protected onRead(reader: SshDataReader): void;
  protected onWrite(writer: SshDataWriter): void;
}

export class KeyExchangeInitMessage extends SshMessage {}

export class AuthenticationRequestMessage extends SshMessage {
  methodName?: string;
}

export class AuthenticationFailureMessage extends SshMessage {
  methodNames?: string[];
  partialSuccess: boolean;
}

interface AuthenticationInfoRequestMessage extends SshMessage {
  readonly instruction?: string;
  readonly prompts?: { prompt: string; echo: boolean }[];
}

export class AuthenticationInfoResponseMessage extends SshMessage {
  responses?: string[];
}

export class ChannelOpenMessage extends SshMessage {
  channelType?: string;
  maxWindowSize?: number;
}

export class ChannelRequestMessage extends SshMessage {
  constructor(requestType: string, wantReply?: boolean);
}

/** RFC 4253 §11.1. */
export const SshDisconnectReason: { readonly byApplication: 11 };

// ── sessions and channels

export interface SshSessionConfiguration {
  /** By their numbers. */
  readonly messages: Map<number, new () => SshMessage>;
  readonly protocolExtensions: string[];
  readonly authenticationMethods: string[];
  readonly keyExchangeAlgorithms: Algorithm[];
  readonly publicKeyAlgorithms: Algorithm[];
  readonly encryptionAlgorithms: Algorithm[];
  readonly hmacAlgorithms: Algorithm[];
}
export const SshSessionConfiguration: new (useSecurity: boolean) => SshSessionConfiguration;

export const SshAuthenticationType: { readonly clientInteractive: 5; readonly serverPublicKey: 10 };

interface SshAuthenticatingEventArgs {
  readonly authenticationType: number;
  readonly publicKey: KeyPair | null;
  readonly infoRequest: AuthenticationInfoRequestMessage | null;
  infoResponse: AuthenticationInfoResponseMessage | null;
  authenticationPromise?: Promise<object | null>;
}

export class SshClientSession {
  constructor(config: SshSessionConfiguration);
  readonly config: SshSessionConfiguration;
  protected readonly kexService: {
    readonly exchanging: boolean;
    startKeyExchange(isInitial: boolean): Promise<[SshMessage, SshMessage | null]>;
  } | null;
  readonly onAuthenticating: Event<SshAuthenticatingEventArgs>;
  readonly onClosed: Event<{ readonly message: string }>;
  connect(stream: Stream): Promise<void>;
  authenticateServer(): Promise<boolean>;
  authenticateClient(credentials: {
    username: string;
    passwordProvider?: () => Promise<[username: string, password: string]>;
    publicKeys?: KeyPair[];
  }): Promise<boolean>;
  openChannel(opening: ChannelOpenMessage): Promise<SshChannel>;
  protected handleMessage(message: SshMessage, cancellation?: unknown): void | Promise<void>;
  sendMessage(message: SshMessage, cancellation?: unknown): Promise<void>;
  close(reason: number, message: string): Promise<void>;
  dispose(): void;
}

export interface SshChannel {
  readonly onDataReceived: Event<Buffer>;
  readonly onExtendedDataReceived: Event<{ readonly data?: Buffer }>;
  readonly onClosed: Event<{ readonly exitStatus?: number; readonly exitSignal?: string; readonly error?: Error }>;
  request(request: ChannelRequestMessage): Promise<boolean>;
  send(data: Buffer): Promise<void>;
  adjustWindow(length: number): void;
}
