/** `tls.checkServerIdentity()`: whether a certificate is a host's (RFC 6125 §6, RFC 9110 §4.3.4). */

import { isIP } from '../net/address.js';

/** What Node's certificates say of who they are for. */
export interface PeerCertificate {
  subject?: { CN?: string | string[] };
  /** "DNS:www.example.com, IP Address:10.0.0.1". */
  subjectaltname?: string;
}

/** An error if the certificate is not for this host. The names in `subjectaltname` count; the subject's only if there are none. */
export function checkServerIdentity(hostname: string, certificate: PeerCertificate): Error | undefined {
  const host = hostname.replace(/\.$/, '').toLowerCase();
  const alternatives = (certificate.subjectaltname ?? '').split(', ').filter(Boolean);
  const of = (kind: string) => alternatives.filter((each) => each.startsWith(kind)).map((each) => each.slice(kind.length));
  if (isIP(host)) {
    const addresses = of('IP Address:');
    return addresses.includes(host) ? undefined : mismatch(hostname, certificate, `IP: ${host} is not in the cert's list: `);
  }
  const names = of('DNS:');
  const candidates = names.length > 0 || alternatives.length > 0 ? names : [certificate.subject?.CN ?? []].flat();
  if (candidates.some((name) => matches(host, name.toLowerCase()))) {
    return undefined;
  }
  return mismatch(hostname, certificate, `Host: ${hostname}. is not in the cert's altnames: ${certificate.subjectaltname}`);
}

/** A wildcard is the whole leftmost label, and stands for one label (RFC 6125 §6.4.3). */
function matches(host: string, pattern: string): boolean {
  const labels = host.split('.');
  const wanted = pattern.replace(/\.$/, '').split('.');
  if (labels.length !== wanted.length) {
    return false;
  }
  return wanted.every((label, at) => label === labels[at] || (at === 0 && label === '*' && wanted.length > 2));
}

function mismatch(host: string, cert: PeerCertificate, reason: string): Error {
  const message = `Hostname/IP does not match certificate's altnames: ${reason}`;
  return Object.assign(new Error(message), { code: 'ERR_TLS_CERT_ALTNAME_INVALID', reason, host, cert });
}
