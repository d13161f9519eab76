/**
 * A page that came over our own TCP, shown inside ours. The frame that holds it runs no scripts and asks the browser for
 * nothing: pictures and style sheets are fetched over the same stack and put in as data.
 */
import { element } from '../element.js';

/** Pictures and style sheets of one page that are fetched. */
const mostParts = 16;
/** Bytes of one such part, and milliseconds that it may take: the pictures of a camera do not end. */
const mostPartBytes = 4 * 1024 * 1024;
const mostPartTime = 10_000;

/** How a page looks that says nothing of it; weaker than any rule of its own. */
const plain =
  ':where(body) { margin: 16px; font: 15px/1.5 system-ui, sans-serif } :where(img) { max-width: 100%; height: auto }';

/** Style sheets, style attributes and animations can name addresses as well, which the browser would ask past our stack. */
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:";

type Fetch = (url: string, init: { signal: AbortSignal }) => Promise<Response>;

/** Elements that would ask the browser for something, or that could not work here. */
const unwanted = 'script, iframe, frame, object, embed, base, meta, link, audio, video, source, noscript, template';

export async function renderPage(
  html: string,
  address: string,
  fetch: Fetch,
  follow: (url: string) => void,
  signal: AbortSignal,
): Promise<HTMLElement> {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const parts = [...page.querySelectorAll('link[rel~="stylesheet"][href], img[src]')];
  const pictures = new Map<Element, string>();
  const fetchPart = async (url: string) => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(mostPartTime)]);
    return bodyOf(await fetch(url, { signal: limited }));
  };
  await Promise.all(parts.slice(0, mostParts).map((part) => inline(page, part, address, fetchPart, pictures)));
  for (const found of page.querySelectorAll(unwanted)) found.remove();
  for (const found of page.querySelectorAll('*')) cutOff(found, address, pictures.get(found));
  const style = page.createElement('style');
  style.textContent = plain;
  const meta = page.createElement('meta');
  meta.httpEquiv = 'Content-Security-Policy';
  meta.content = policy;
  page.head.prepend(meta, style);
  const frame = element('iframe', { title: `The page at ${address}`, sandbox: 'allow-same-origin' });
  frame.srcdoc = `<!doctype html>${page.documentElement.outerHTML}`;
  frame.addEventListener('load', () => frame.contentDocument?.addEventListener('click', (event) => followLink(event, follow)));
  return frame;
}

/** Puts a style sheet in the place of the element that asks for it, a picture into `pictures`; what cannot be had, nowhere. */
async function inline(
  page: Document,
  part: Element,
  address: string,
  fetchPart: (url: string) => Promise<Blob | undefined>,
  pictures: Map<Element, string>,
): Promise<void> {
  const sheet = part instanceof HTMLLinkElement;
  const target = absolute(part.getAttribute(sheet ? 'href' : 'src') ?? '', address);
  if (target === undefined) return;
  try {
    const body = await fetchPart(target);
    if (body === undefined) return;
    if (sheet) {
      const style = page.createElement('style');
      style.textContent = await body.text();
      part.replaceWith(style);
    } else {
      pictures.set(part, await dataUrl(body));
    }
  } catch {
    // The page is shown without it.
  }
}

/** Takes away every attribute by which an element would ask the browser for something; links keep where they lead. */
function cutOff(found: Element, address: string, picture: string | undefined): void {
  const href = found instanceof HTMLAnchorElement ? absolute(found.getAttribute('href') ?? '', address) : undefined;
  for (const name of ['src', 'srcset', 'href', 'xlink:href', 'background', 'poster', 'ping', 'target', 'action']) {
    found.removeAttribute(name);
  }
  for (const { name } of [...found.attributes]) if (name.startsWith('on')) found.removeAttribute(name);
  if (picture !== undefined) found.setAttribute('src', picture);
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

/** Where a reference in the page at `address` leads; `undefined` if that is nowhere that our fetch can go. */
export function absolute(reference: string, address: string): string | undefined {
  const url = URL.canParse(reference, address) ? new URL(reference, address) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url.href : undefined;
}

/** The body of a part with its type; `undefined` of a failure, and of one too long, whose rest is not asked for. */
async function bodyOf(response: Response): Promise<Blob | undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return undefined;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  while (response.ok && length <= mostPartBytes) {
    const { done, value } = await reader.read();
    if (done) return new Blob(pieces, { type: response.headers.get('content-type') ?? '' });
    pieces.push(value);
    length += value.length;
  }
  await reader.cancel();
  return undefined;
}

function dataUrl(body: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(String(reader.result)));
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(body);
  });
}
