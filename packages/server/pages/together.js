import { get, post, sentence } from './api.js';
import { h, notice, show, time } from './dom.js';
import { missingEvidence, valueOf } from './question.js';

/** As many texts as somebody reads before one answer. */
export const togetherMost = 20;

/** Questions that are like each other, each with its own text and digest, and one answer to those that are ticked. */
export async function togetherPage(me, hash, isHere, fault) {
  const ids = [...new Set(hash.slice(1).split(','))].filter((id) => /^[0-9a-f-]{36}$/.test(id)).slice(0, togetherMost);
  const found = (await Promise.all(ids.map(waiting))).filter((question) => question?.state === 'pending' && !question.agreed.some(({ person }) => person === me.person));
  if (!isHere()) return;
  const [first] = found;
  const back = h('a', { class: 'back', href: '/' }, '← Inbox');
  const told = fault === undefined ? '' : notice('bad', fault);
  if (!first) return void show('Nothing to answer', back, told, h('div', { class: 'empty' }, h('strong', {}, 'None of these waits for you any more.')));
  const cards = found.filter((question) => kindOf(question) === kindOf(first)).map(card);
  const again = (why) => togetherPage(me, hash, isHere, why);
  show(
    `${cards.length} questions`,
    back,
    h('header', { class: 'question' }, h('h1', {}, first.action), h('p', { class: 'lead' }, h('b', {}, first.identity), first.onBehalfOf ? ' asks for ' : ' asks on its own', first.onBehalfOf && h('b', {}, first.onBehalfOf), `, ${cards.length} times`)),
    told,
    h('div', { class: 'columns' }, h('div', { class: 'body' }, ...cards.map(({ element }) => element)), h('div', { class: 'side' }, me.auditor ? h('p', { class: 'card quiet' }, 'You are an auditor here: you see this and change nothing.') : answerForm(cards, again))),
  );
}

/** A question, unless it is not there for this person any more. */
const waiting = (id) =>
  get(`/v1/questions/${id}`).catch((error) => {
    if (error.status !== 404) throw error;
  });

const kindOf = ({ identity, action, onBehalfOf }) => JSON.stringify([identity, action, onBehalfOf]);

/** The text exactly as the server made it. One that cannot be shown whole is answered by itself, and can only be refused. */
function card(question) {
  const { hold, preview, deadlineMs } = question;
  const tick = h('input', { type: 'checkbox', id: `with-${hold}`, checked: !preview.shortened, disabled: preview.shortened });
  return { question, tick, element: h('section', { class: 'card' }, h('label', { class: 'tick', for: tick.id }, tick, 'With this one', time(deadlineMs, 'ends ')), h('pre', { class: 'preview', tabindex: 0 }, preview.text), h('p', { class: 'digest' }, h('span', {}, 'Digest of this text'), h('code', {}, preview.digest))) };
}

function answerForm(cards, again) {
  const reason = h('textarea', { id: 'reason', name: 'reason', rows: 3, maxlength: 2000, placeholder: 'Kept with each answer' });
  const kinds = [...new Set(cards.flatMap(({ question }) => missingEvidence(question)))];
  const evidence = kinds.map((kind) => ({ kind, input: h('input', { id: `evidence-${kind}`, autocomplete: 'off', maxlength: 4000 }) }));
  const fault = h('div', { class: 'faults' });
  const agree = h('button', { class: 'good wide', type: 'submit' });
  const refuse = h('button', { class: 'bad wide', type: 'button', click: () => void answer(false) });
  const form = h(
    'form',
    { class: 'card answer', submit: (event) => (event.preventDefault(), void answer(true)) },
    h('h2', {}, 'One answer'),
    h('p', { class: 'quiet' }, 'Each is answered by itself, with its own digest, and can run once.'),
    ...evidence.flatMap(({ kind, input }) => [h('label', { for: input.id }, 'Evidence: ', h('b', {}, kind)), input]),
    h('label', { for: 'reason' }, 'Reason'),
    reason,
    fault,
    h('div', { class: 'buttons' }, agree, refuse),
  );
  const ticked = () => cards.filter(({ tick }) => tick.checked);
  function count() {
    const many = ticked().length;
    agree.textContent = `Approve ${many}`;
    refuse.textContent = `Refuse ${many}`;
    agree.disabled = refuse.disabled = many === 0;
  }
  cards.forEach(({ tick }) => tick.addEventListener('change', count));
  count();

  async function answer(agrees) {
    const chosen = ticked().map(({ question }) => question);
    const pieces = evidence.filter(({ input }) => input.value.trim() !== '').map(({ kind, input }) => ({ kind, value: valueOf(input.value.trim()) }));
    agree.disabled = refuse.disabled = true;
    fault.replaceChildren();
    try {
      await post('/v1/holds/answers', { holds: chosen.map(({ hold }) => hold), seen: Object.fromEntries(chosen.map(({ hold, preview }) => [hold, preview.digest])), agrees, reason: reason.value, ...(agrees && pieces.length > 0 && { evidence: pieces }) });
      const words = `You ${agrees ? 'approved' : 'refused'} ${chosen.length} question${chosen.length === 1 ? '' : 's'}.`;
      cards.forEach(({ tick }) => (tick.disabled = true));
      form.replaceWith(notice(agrees ? 'good' : 'bad', words), h('a', { class: 'button', href: '/' }, 'To your inbox'));
    } catch (error) {
      // Some may be answered already, so all of them are looked at again.
      await again(sentence(error)).catch(() => fault.replaceChildren(notice('bad', sentence(error))));
      count();
    }
  }
  return form;
}
