/**
 * A page that came over our own TCP, shown inside ours. The frame that holds it runs no scripts and asks the browser for
 * nothing: pictures and style sheets are fetched over the same stack and put in as data.
 */
import { element } from '../element.js';

/** Pictures and style sheets of one page that are fetched. */
const mostParts = 16;
/** Bytes of one such part. */
const mostPartBytes = 4 * 1024 * 1024;

/** How a page looks that says nothing of it; weaker than any rule of its own. */
const plain =
  ':where(body) { margin: 16px; font: 15px/1.5 system-ui, sans-serif } :where(img) { max-width: 100%; height: auto }';

type Fetch = (url: string) => Promise<Response>;

/** Elements that would ask the browser for something, or that could not work here. */
const unwanted = 'script, iframe, frame, object, embed, base, meta, link, audio, video, source, noscript, template';

export async function renderPage(
  html: string,
  address: string,
  fetch: Fetch,
  follow: (url: string) => void,
): Promise<HTMLElement> {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const parts = [...page.querySelectorAll('link[rel~="stylesheet"][href], img[src]')];
  await Promise.all(parts.slice(0, mostParts).map((part) => inline(page, part, address, fetch)));
  for (const found of page.querySelectorAll(unwanted)) found.remove();
  for (const found of page.querySelectorAll('*')) cutOff(found, address);
  const style = page.createElement('style');
  style.textContent = plain;
  page.head.prepend(style);
  const frame = element('iframe', { title: `The page at ${address}`, sandbox: 'allow-same-origin' });
  frame.srcdoc = `<!doctype html>${page.documentElement.outerHTML}`;
  frame.addEventListener('load', () => frame.contentDocument?.addEventListener('click', (event) => followLink(event, follow)));
  return frame;
}

/** Puts a part in the place of the element that asks for it. A part that cannot be had is left out. */
async function inline(page: Document, part: Element, address: string, fetch: Fetch): Promise<void> {
  const sheet = part instanceof HTMLLinkElement;
  const target = absolute(part.getAttribute(sheet ? 'href' : 'src') ?? '', address);
  if (target === undefined) return;
  try {
    const response = await fetch(target);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (!response.ok || bytes.length > mostPartBytes) return;
    if (sheet) {
      const style = page.createElement('style');
      style.textContent = new TextDecoder().decode(bytes);
      part.replaceWith(style);
    } else {
      part.setAttribute('data-inlined', await dataUrl(bytes, response.headers.get('content-type') ?? ''));
    }
  } catch {
    // The page is shown without it.
  }
}

/** Takes away every attribute by which an element would ask the browser for something; links keep where they lead. */
function cutOff(found: Element, address: string): void {
  const href = found instanceof HTMLAnchorElement ? absolute(found.getAttribute('href') ?? '', address) : undefined;
  const data = found.getAttribute('data-inlined');
  for (const name of ['src', 'srcset', 'href', 'xlink:href', 'background', 'poster', 'ping', 'target', 'action']) {
    found.removeAttribute(name);
  }
  for (const { name } of [...found.attributes]) if (name.startsWith('on')) found.removeAttribute(name);
  if (data !== null) found.setAttribute('src', data);
  if (href !== undefined) {
    found.setAttribute('href', '#');
    found.setAttribute('data-leads-to', href);
  }
}

function followLink(event: MouseEvent, follow: (url: string) => void): void {
  const target = event.target as Element | null;
  const anchor = target?.closest?.('a');
  if (anchor === null || anchor === undefined) return;
  event.preventDefault();
  const leadsTo = anchor.getAttribute('data-leads-to');
  if (leadsTo !== null) follow(leadsTo);
}

function absolute(reference: string, address: string): string | undefined {
  const url = URL.canParse(reference, address) ? new URL(reference, address) : undefined;
  return url?.protocol === 'http:' ? url.href : undefined;
}

function dataUrl(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(String(reader.result)));
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(new Blob([bytes], { type }));
  });
}
