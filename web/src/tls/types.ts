/** TLS, as a page sees it: whom it trusts, what it asks for, and what was agreed on. */

/** Certificates of CAs: PEM text, with any number of certificates in it, or the bytes of one certificate (DER). */
export type Authorities = string | Uint8Array | (string | Uint8Array)[];

export interface TlsOptions {
  /** CAs that are trusted besides those that browsers trust (Mozilla's list). */
  ca?: Authorities;
}

/** What a socket asks of TLS. */
export interface TlsConnectOptions {
  /**
   * Who the server must prove to be, a name or an address. Names are told to it (SNI, RFC 6066 §3). By default the host that
   * was connected to.
   */
  servername?: string;
  /** The protocols that are offered (ALPN, RFC 7301), the one liked best first: at most 64, each of 1 to 255 bytes. */
  alpn?: readonly string[];
  /** CAs that this connection trusts besides those that the network does. */
  ca?: Authorities;
  /** How long the handshake may take; 30,000 by default. */
  timeout?: number;
}

/** What a TLS handshake agreed on. */
export interface TlsInformation {
  version: 'TLSv1.2' | 'TLSv1.3';
  /** The cipher suite, by its name in IANA's registry. */
  cipher: string;
  /** What the server picked of the protocols that were offered (ALPN). */
  protocol: string | null;
  /** Whether a session of before was resumed. */
  resumed: boolean;
}
