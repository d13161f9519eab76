/** The rungs from the relay to DNS, and, when one breaks, which piece is missing and what to do. */
import type { LadderState, LadderStep, LadderStepName, Network, NetworkStatus } from '../../src/types.js';
import { element, find, say } from '../element.js';

const titles: Record<LadderStepName, Record<LadderState, string>> = {
  relay: {
    waiting: 'Relay',
    pending: 'Reaching the relay',
    ok: 'Relay reached',
    failed: 'Relay not reached',
    skipped: 'Relay',
  },
  lease: {
    waiting: 'Address',
    pending: 'Asking for an address',
    ok: 'Address leased',
    failed: 'No address',
    skipped: 'Address is fixed',
  },
  gateway: {
    waiting: 'Gateway',
    pending: 'Asking the gateway',
    ok: 'Gateway answers',
    failed: 'Gateway is silent',
    skipped: 'No gateway',
  },
  names: {
    waiting: 'DNS',
    pending: 'Asking DNS',
    ok: 'DNS answers',
    failed: 'DNS is silent',
    skipped: 'No DNS',
  },
};

const states: Record<NetworkStatus['state'], string> = {
  connecting: 'Connecting',
  online: 'Online',
  reconnecting: 'Reconnecting',
  closed: 'Closed',
};

/** Shows how the network stands, now and whenever that changes. */
export function ladder(network: Network): void {
  const list = find('ladder', HTMLOListElement);
  const trouble = find('trouble', HTMLElement);
  const state = find('state', HTMLElement);
  const stateText = find('state-text', HTMLElement);
  const show = () => {
    const { status } = network;
    for (const step of status.steps) showStep(list, step);
    const failed = status.steps.find((step) => step.state === 'failed');
    showTrouble(trouble, network, failed);
    state.dataset.state = failed !== undefined && status.state !== 'closed' ? 'failed' : status.state;
    say(stateText, stateLine(status, failed));
  };
  network.addEventListener('statuschange', show);
  show();
}

function stateLine(status: NetworkStatus, failed: LadderStep | undefined): string {
  if (status.state === 'online' && status.information !== null) {
    return failed === undefined ? `Online as ${status.information.address}` : titles[failed.name].failed;
  }
  if (status.state === 'connecting' && failed !== undefined) return titles[failed.name].failed;
  return states[status.state];
}

function showStep(list: HTMLElement, step: LadderStep): void {
  const item = list.querySelector<HTMLElement>(`[data-step="${step.name}"]`);
  const title = item?.querySelector('h3');
  const detail = item?.querySelector('p');
  if (!item || !title || !detail) return;
  item.dataset.state = step.state;
  say(title, titles[step.name][step.state]);
  say(detail, detailOf(step));
}

function detailOf(step: LadderStep): string {
  if (step.state === 'failed') return step.reason;
  if (step.state === 'waiting') return 'waits for the step before';
  return step.detail;
}

function showTrouble(trouble: HTMLElement, network: Network, failed: LadderStep | undefined): void {
  if (failed === undefined) {
    trouble.hidden = true;
    trouble.replaceChildren();
    delete trouble.dataset.shown;
    return;
  }
  const key = `${failed.name} ${failed.reason} ${failed.remedy}`;
  if (trouble.dataset.shown === key) return;
  trouble.dataset.shown = key;
  const again = element('button', { type: 'button' }, 'Try again');
  again.addEventListener('click', () => void network.check().catch(() => undefined));
  trouble.replaceChildren(
    element(
      'div',
      {},
      element('h3', {}, `${titles[failed.name].failed}: ${failed.reason}`),
      element('p', {}, ...withCode(failed.remedy)),
    ),
    again,
  );
  trouble.hidden = false;
}

/** Text in which `…` or "…" marks something to type. */
function withCode(text: string): (Node | string)[] {
  return text.split(/[`"]/).map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part));
}
