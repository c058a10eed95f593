// Elements are made here, and text is only ever text: nothing that somebody sent is read as markup.

/**
 * @param {string} name of the element
 * @param {Record<string, string | number | boolean | ((event: Event) => void) | undefined>} properties attributes; functions listen to the event of their name
 * @param {...(Node | string | false | undefined | null)} children
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== undefined && value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** Shows a page: its title is what a screen reader says first. */
export function show(title, ...children) {
  document.title = `${title} · Flyball`;
  const main = document.getElementById('main');
  main.replaceChildren(...children);
  return main;
}

/** Said aloud by screen readers, without taking the focus away. */
export const say = (text) => (document.getElementById('said').textContent = text);

export const notice = (kind, text) => h('p', { class: `notice ${kind}`, role: kind === 'bad' ? 'alert' : 'status' }, text);

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const hour = 3_600_000;

export function fromNow(ms) {
  const delta = ms - Date.now();
  if (Math.abs(delta) < 3_000) return 'now';
  const size = Math.abs(delta);
  if (size >= hour && size < 24 * hour) {
    const text = `${Math.trunc(size / hour)} h ${Math.trunc((size % hour) / 60_000)} min`;
    return delta > 0 ? `in ${text}` : `${text} ago`;
  }
  const [unit, length] = units.find(([, each]) => size >= each) ?? units[3];
  return relative.format(Math.trunc(delta / length), unit);
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** A moment, as people say it, with the exact one beside it for who asks; it moves on by itself. */
export function time(ms, prefix = '') {
  const element = h('time', { datetime: new Date(ms).toISOString(), title: exact.format(ms), 'data-ms': ms, 'data-prefix': prefix });
  tick(element);
  return element;
}

function tick(element) {
  const ms = Number(element.dataset.ms);
  const left = ms - Date.now();
  element.textContent = `${element.dataset.prefix}${fromNow(ms)}`;
  if (element.dataset.prefix !== '') element.classList.toggle('soon', left < 10 * 60_000);
}

setInterval(() => document.querySelectorAll('time[data-ms]').forEach(tick), 1_000);

/** Waits until it is time to look again: not before somebody can see it. */
export async function news(ms) {
  await new Promise((done) => setTimeout(done, ms));
  if (document.hidden) await new Promise((done) => document.addEventListener('visibilitychange', done, { once: true }));
}
