/**
 * A relay without a host side (`--no-tap`) names no router, and there is no demonstration site behind it: the page says so,
 * and offers what is there, the gateway and other tabs.
 */
import type { NetworkInformation } from '../../src/types.js';
import { element, field, find } from '../element.js';

/** Whether nothing but the gateway and other tabs can be reached. */
export function isHostless(information: NetworkInformation): boolean {
  return information.gateway === null && information.lease !== null;
}

/** Changes the page's suggestions to what such a network has. */
export function hostless({ lease }: NetworkInformation): void {
  const gateway = lease?.server ?? '';
  const url = find('fetch-url', HTMLInputElement);
  url.value = '';
  url.placeholder = 'http://address of another tab/';
  const ping = find('ping-form', HTMLFormElement);
  field(ping, 'host').value = gateway;
  // The gateway's own TCP port is that of DNS.
  const socket = find('console-connect', HTMLFormElement);
  field(socket, 'hostname').value = gateway;
  field(socket, 'port').value = '53';
  find('serve-command', HTMLElement).textContent = 'Then another tab reaches this one.';

  find('cable-far', HTMLElement).textContent = 'a switch with other tabs';
  find('tools-example', HTMLElement).textContent = `await net.ping('${gateway}')`;

  const pingGateway = element('button', { type: 'button', class: 'small' }, 'Ping the gateway');
  pingGateway.addEventListener('click', () => {
    field(ping, 'host').value = gateway;
    if (ping.dataset.state !== 'running') ping.requestSubmit();
  });
  const another = element('button', { type: 'button', class: 'small' }, 'Open another tab');
  another.addEventListener('click', () => window.open(location.href, '_blank', 'noopener'));
  find('fetch-suggestions', HTMLElement).replaceChildren(
    element('legend', { class: 'hidden' }, 'Things to try'),
    element(
      'p',
      { id: 'hostless' },
      'This relay has no host side (it runs with ',
      element('code', {}, '--no-tap'),
      '), so there is no demonstration site to fetch. What can be reached: the gateway, and other tabs. Let another tab listen ' +
        'under Serve, then fetch its address here.',
    ),
    pingGateway,
    another,
  );
}
