/** Builds and finds elements, typed. */

type Attributes = Record<string, string | number | boolean | undefined>;

/** Makes an element. An attribute of `false` or `undefined` is left out, of `true` is set empty. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}

/** Finds the one element with this id, or throws: the page and the program belong together. */
export function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no #${id}`);
  return found;
}

/** The text field, number field or selection of this name in a form. */
export function field(form: HTMLFormElement, name: string): HTMLInputElement | HTMLSelectElement {
  const found = form.elements.namedItem(name);
  if (!(found instanceof HTMLInputElement || found instanceof HTMLSelectElement)) {
    throw new Error(`the form has no field ${name}`);
  }
  return found;
}

/** Changes the text only if it differs: setting the same text again would be announced again. */
export function say(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A row of named figures that are updated in place. */
export class Figures<Name extends string> {
  private readonly values = new Map<Name, HTMLElement>();

  constructor(list: HTMLElement, names: Record<Name, string>) {
    for (const [name, label] of Object.entries<string>(names)) {
      const value = element('dd', {}, '–');
      this.values.set(name as Name, value);
      list.append(element('div', { 'data-figure': name }, element('dt', {}, label), value));
    }
  }

  /** `more` is shown while the pointer rests on the figure. */
  set(name: Name, text: string, more = ''): void {
    const value = this.values.get(name);
    if (value === undefined) return;
    say(value, text);
    value.title = more;
  }

  /** Changes what a figure is called. */
  name(name: Name, label: string): void {
    const heading = this.values.get(name)?.previousElementSibling;
    if (heading instanceof HTMLElement) say(heading, label);
  }

  clear(): void {
    for (const value of this.values.values()) say(value, '–');
  }
}

/** Runs `work` once before the next repaint, however often it is asked for. */
export function oncePerFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
