import { get, look } from './api.js';
import { h, news, show, time } from './dom.js';
import { togetherMost } from './together.js';

const freshMs = 5_000;
const alikeMost = 12;

/** What waits for this person, like questions as one row; looked at again every few seconds. */
export async function inboxPage(me, isHere) {
  const list = h('div');
  show('Inbox', h('h1', {}, 'Waiting for you'), list);
  let known = '';
  for (let first = true; ; first = false) {
    const { rows, next } = await (first ? get : look)('/v1/inbox');
    const text = JSON.stringify(rows);
    if (text !== known) {
      known = text;
      list.replaceChildren(...(rows.length > 0 ? [h('ul', { class: 'rows' }, ...rows.map(row)), more(next, list)] : [nothing()]));
      document.title = `${rows.length > 0 ? `(${rows.length}) ` : ''}Inbox · Flyball`;
    }
    await news(freshMs);
    if (!isHere()) return;
  }
}

const nothing = () => h('div', { class: 'empty' }, h('strong', {}, 'Nothing waits for you.'), h('p', { class: 'quiet' }, 'New questions appear here by themselves.'));

function row({ hold, identity, onBehalfOf, action, reason, atMs, deadlineMs, like, ids = [], together, outcome }) {
  return h(
    'li',
    {},
    h(
      'a',
      { class: 'row', href: `/holds/${hold}` },
      h(
        'div',
        { class: 'what' },
        h('strong', {}, action, like > 1 && h('span', { class: 'chip' }, `${like} alike`), outcome === 'defer' && h('span', { class: 'chip warn' }, 'waits for facts')),
        h('p', {}, h('b', {}, identity), onBehalfOf ? ' for ' : ' on its own', onBehalfOf && h('b', {}, onBehalfOf)),
        reason && h('p', { class: 'quiet' }, reason),
      ),
      h('div', { class: 'when' }, time(deadlineMs, 'ends '), h('p', { class: 'quiet' }, 'asked ', time(atMs))),
    ),
    ids.length > 1 && h('p', { class: 'alike' }, h('span', { class: 'quiet' }, 'Each is a question of its own:'), ...ids.slice(0, alikeMost).map((id, i) => h('a', { href: `/holds/${id}`, 'aria-label': `question ${i + 1} of ${like} about ${action}` }, `${i + 1}`)), like > alikeMost && h('span', { class: 'quiet' }, 'and more'), together && h('a', { class: 'aside', href: `/together#${ids.slice(0, togetherMost).join(',')}` }, `Answer ${Math.min(ids.length, togetherMost)} together`)),
  );
}

function more(next, list) {
  if (next === undefined) return '';
  const button = h('button', { type: 'button', class: 'plain' }, 'Show more');
  button.addEventListener('click', async () => {
    button.disabled = true;
    const page = await get(`/v1/inbox?after=${encodeURIComponent(next)}`);
    list.querySelector('ul').append(...page.rows.map(row));
    button.replaceWith(more(page.next, list));
  });
  return button;
}
