/** What is offered to a server, the best first, as far as this browser can do it. */
import { SshAlgorithms } from '@microsoft/dev-tunnels-ssh/algorithms/sshAlgorithms.js';
import { SshSessionConfiguration } from '@microsoft/dev-tunnels-ssh/sshSessionConfiguration.js';
import { Curve25519 } from './curve25519.js';
import { Ed25519 } from './ed25519.js';

const { keyExchange, publicKey, encryption, hmac } = SshAlgorithms;

/**
 * `remembered`: types of host key that are known of this server; it is asked for those first, so that it is recognized.
 *
 * AES-GCM, and AES-CTR with encrypt-then-MAC: neither is open to the truncation of CVE-2023-48795 in practice, so nothing depends on
 * strict key exchange, which the library does not have.
 */
export async function configuration(remembered: readonly string[]): Promise<SshSessionConfiguration> {
  const config = new SshSessionConfiguration(true);
  const [exchange25519, signature25519] = await Promise.all([
    can('X25519', ['deriveBits']),
    can('Ed25519', ['sign', 'verify']),
  ]);
  replace(config.keyExchangeAlgorithms, [
    ...(exchange25519 ? [new Curve25519('curve25519-sha256'), new Curve25519('curve25519-sha256@libssh.org')] : []),
    keyExchange.ecdhNistp256Sha256,
    keyExchange.ecdhNistp384Sha384,
    keyExchange.ecdhNistp521Sha512,
  ]);
  const signatures = [
    ...(signature25519 ? [new Ed25519()] : []),
    publicKey.ecdsaSha2Nistp256,
    publicKey.ecdsaSha2Nistp384,
    publicKey.ecdsaSha2Nistp521,
    publicKey.rsaWithSha512,
    publicKey.rsaWithSha256,
  ];
  const known = (algorithm: (typeof signatures)[number]) => remembered.includes(algorithm.keyAlgorithmName);
  replace(config.publicKeyAlgorithms, [...signatures.filter(known), ...signatures.filter((algorithm) => !known(algorithm))]);
  replace(config.encryptionAlgorithms, [encryption.aes256Gcm, encryption.aes256Ctr]);
  replace(config.hmacAlgorithms, [hmac.hmacSha256Etm, hmac.hmacSha512Etm]);
  // The others are Microsoft's own, for its own servers.
  config.protocolExtensions.splice(0);
  return config;
}

function replace<T>(list: T[], items: T[]): void {
  list.splice(0, list.length, ...items);
}

/** Whether the browser has an algorithm: Chromium has had Ed25519 since version 137. */
async function can(algorithm: string, usages: KeyUsage[]): Promise<boolean> {
  try {
    await crypto.subtle.generateKey(algorithm, false, usages);
    return true;
  } catch {
    return false;
  }
}
