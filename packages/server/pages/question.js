import { get, look, post, sentence } from './api.js';
import { fromNow, h, news, notice, say, show, time } from './dom.js';
import { canSign, passkeyFault, sign } from './webauthn.js';

const freshMs = 3_000;
const states = { pending: 'waiting', approved: 'agreed, not run yet', refused: 'refused', expired: 'expired', cancelled: 'taken back', superseded: 'asked anew', used: 'agreed and used' };

/** One question with all it takes to answer it. */
export async function questionPage(me, hold, isHere) {
  const path = `/v1/questions/${hold}`;
  let question = await get(path);
  if (!isHere()) return;
  const side = h('div', { class: 'side' });
  show(question.action, h('a', { class: 'back', href: '/' }, '← Inbox'), heading(question), h('div', { class: 'columns' }, h('div', { class: 'body' }, shown(question), whyCard(question)), side));
  const state = h('div');
  const form = question.state === 'pending' ? answerForm(me, question, answered) : undefined;
  side.append(state, form ?? '');
  function draw(instead) {
    if (instead) form?.replaceWith(instead);
    state.replaceChildren(peopleCard(question), evidenceCard(question));
    document.getElementById('state')?.replaceWith(stateChip(question));
  }
  async function answered(words) {
    draw(words);
    question = await get(path).catch(() => question);
    draw();
  }
  draw();
  for (;;) {
    await news(freshMs);
    if (!isHere()) return;
    const next = await look(path);
    if (JSON.stringify(next) === JSON.stringify(question)) continue;
    if (next.state !== question.state) say(`This question is now ${states[next.state] ?? next.state}`);
    question = next;
    draw(question.state === 'pending' || question.state === 'approved' ? undefined : form?.isConnected ? notice('plain', `This question was ${states[question.state] ?? question.state} meanwhile.`) : undefined);
  }
}

const stateChip = ({ state }) => h('span', { id: 'state', class: `chip ${state === 'approved' || state === 'used' ? 'good' : state === 'pending' ? 'warn' : 'bad'}` }, states[state] ?? state);

const heading = (question) =>
  h(
    'header',
    { class: 'question' },
    h('h1', {}, question.action),
    h('p', { class: 'chips' }, stateChip(question), h('span', { class: 'chip' }, `tier ${question.tier}`), question.state === 'pending' && h('span', { class: 'chip' }, time(question.deadlineMs, 'ends '))),
    h('p', { class: 'lead' }, h('b', {}, question.identity), question.onBehalfOf ? ' asks for ' : ' asks on its own', question.onBehalfOf && h('b', {}, question.onBehalfOf), ', ', time(question.atMs)),
  );

/** The text exactly as the server made it: what is agreed to is this, and nothing else on the page. */
const shown = ({ preview }) =>
  h(
    'section',
    { class: 'card', 'aria-labelledby': 'shown' },
    h('h2', { id: 'shown' }, 'What you agree to'),
    h('pre', { class: 'preview', tabindex: 0, 'aria-describedby': 'digest' }, preview.text),
    h('p', { class: 'digest', id: 'digest' }, h('span', {}, 'Digest of this text'), h('code', {}, preview.digest)),
  );

const whyCard = ({ reasons, facts }) =>
  (reasons.length > 0 || facts.length > 0) &&
  h('section', { class: 'card' }, h('h2', {}, 'Why it waits'), h('ul', { class: 'plain' }, ...reasons.map((reason) => h('li', {}, reason)), ...facts.map((fact) => h('li', {}, 'missing: ', h('code', {}, fact)))));

const peopleCard = ({ approvals, agreed, state }) =>
  h(
    'section',
    { class: 'card' },
    h('h2', {}, 'Who has to agree'),
    h('ul', { class: 'plain rules' }, ...approvals.map(ruleRow)),
    agreed.length > 0 ? h('ul', { class: 'plain agreed' }, ...agreed.map(({ person, atMs, terms }) => h('li', {}, h('b', {}, person), ' agreed ', time(atMs), ...terms.map((term) => `, ${term}`)))) : h('p', { class: 'quiet' }, state === 'used' ? 'Who agreed is in the record.' : 'Nobody has agreed yet.'),
  );

const ruleRow = ({ approvers, quorum, have, signature }) =>
  h('li', {}, h('span', { class: 'dots', 'aria-hidden': 'true' }, ...Array.from({ length: Math.min(quorum, 12) }, (_, i) => h('i', { class: i < have ? 'on' : '' }))), h('span', {}, `${Math.min(have, quorum)} of ${quorum} from `, h('b', {}, approvers)), signature && h('span', { class: 'chip' }, 'passkey'));

function evidenceCard({ evidence, approvals }) {
  const lacking = missingEvidence({ evidence, approvals });
  if (evidence.length === 0 && lacking.length === 0) return '';
  return h('section', { class: 'card' }, h('h2', {}, 'Evidence'), h('ul', { class: 'plain' }, ...evidence.map(({ kind, by, verified }) => h('li', {}, h('span', { class: `chip ${verified ? 'good' : ''}` }, verified ? 'verified' : 'given'), ' ', h('b', {}, kind), by && ` by ${by}`)), ...lacking.map((kind) => h('li', {}, h('span', { class: 'chip warn' }, 'missing'), ' ', h('b', {}, kind)))));
}

export const missingEvidence = ({ evidence, approvals }) => [...new Set(approvals.flatMap((rule) => rule.evidence))].filter((kind) => !evidence.some((given) => given.kind === kind));

function answerForm(me, question, answered) {
  const signed = question.approvals.some(({ signature }) => signature !== undefined);
  const reason = h('textarea', { id: 'reason', name: 'reason', rows: 3, maxlength: 2000, placeholder: 'Kept with your answer' });
  const evidence = missingEvidence(question).map((kind) => ({ kind, input: h('input', { id: `evidence-${kind}`, autocomplete: 'off', maxlength: 4000 }) }));
  const caps = question.narrowable.map(({ name, most }) => ({ name, most, input: h('input', { id: `cap-${name}`, type: 'number', max: most, step: 'any', inputmode: 'decimal', placeholder: String(most) }) }));
  const minutes = h('input', { id: 'until', type: 'number', min: 1, step: 1, inputmode: 'numeric', placeholder: 'as long as the question' });
  const next = signed ? undefined : standingOf(question);
  const fault = h('div', { class: 'faults' });
  const agree = h('button', { class: 'good wide', type: 'submit' }, signed ? 'Approve with passkey' : 'Approve');
  const refuse = h('button', { class: 'bad wide', type: 'button', click: () => void answer(false) }, 'Refuse');
  const form = h(
    'form',
    { class: 'card answer', submit: (event) => (event.preventDefault(), void answer(true)) },
    h('h2', {}, 'Your answer'),
    ...evidence.flatMap(({ kind, input }) => [h('label', { for: input.id }, 'Evidence: ', h('b', {}, kind)), input]),
    h('details', {}, h('summary', {}, 'Agree to less'), ...caps.flatMap(({ name, most, input }) => [h('label', { for: input.id }, 'At most, ', h('b', {}, name), ` (asked: ${most})`), input]), h('label', { for: 'until' }, 'Good for so many minutes'), minutes),
    next?.element,
    h('label', { for: 'reason' }, 'Reason'),
    reason,
    fault,
    h('div', { class: 'buttons' }, agree, refuse),
    signed && h('p', { class: 'quiet' }, 'Your passkey signs the text above and your answer.'),
  );
  const words = whyNot(me, question);
  if (words) form.replaceChildren(h('h2', {}, 'Your answer'), h('p', { class: 'quiet' }, words));
  if (question.preview.shortened) agree.replaceWith(notice('warn', 'This question cannot be shown whole, so nobody can agree to it.'));

  async function answer(agrees) {
    agree.disabled = refuse.disabled = true;
    fault.replaceChildren();
    try {
      const wish = { agrees, reason: reason.value, seen: question.preview.digest, ...(agrees && { ...given(evidence, caps, minutes), ...next?.given() }) };
      const { state } = await post(`/v1/holds/${question.hold}/answer`, { ...wish, ...(agrees && signed && { signature: await signatureOf(question.hold, wish) }) });
      say(agrees ? 'Approved' : 'Refused');
      await answered(notice(agrees ? 'good' : 'bad', agrees ? approvedWords(state, question) : 'You refused this. It will not run.'));
    } catch (error) {
      fault.replaceChildren(notice('bad', passkeyFault(error) ?? sentence(error)), error.message?.includes('passkey') ? h('a', { href: '/passkeys' }, 'Your passkeys') : '');
      agree.disabled = refuse.disabled = false;
    }
  }
  return form;
}

const [minuteMs, hourMs] = [60_000, 3_600_000];

/** Consent to the next ones like it, where every rule lets people give it: never for more than the narrowest of them. */
function standingOf({ approvals }) {
  const bounds = approvals.map(({ standing }) => standing);
  if (bounds.length === 0 || bounds.includes(undefined)) return undefined;
  const least = (pick) => Math.min(...bounds.map(pick));
  const sums = bounds.flatMap(({ sum }) => sum ?? []);
  const [countMost, minutesMost] = [least(({ count }) => count), Math.floor(least(({ withinMs }) => withinMs) / minuteMs)];
  if (minutesMost < 1 || new Set(sums.map(({ argument }) => argument)).size > 1) return undefined;
  const sum = sums.length > 0 ? { argument: sums[0].argument, most: Math.min(...sums.map(({ most }) => most)) } : undefined;
  const number = (id, max) => h('input', { id, type: 'number', min: 1, max, step: 1, inputmode: 'numeric' });
  const [count, minutes] = [number('next-count', countMost), number('next-minutes', minutesMost)];
  const most = sum && h('input', { id: 'next-sum', type: 'number', max: sum.most, step: 'any', inputmode: 'decimal', placeholder: String(sum.most) });
  const longest = minutesMost * minuteMs >= 2 * hourMs ? `${Math.floor((minutesMost * minuteMs) / hourMs)} h` : `${minutesMost} min`;
  const element = h('details', {}, h('summary', {}, 'Also the next ones like it'), h('p', { class: 'quiet' }, 'The same machine may do this again without asking. You see what was used, and can end it at any time.'), h('label', { for: count.id }, `How many (at most ${countMost})`), count, h('label', { for: minutes.id }, `For so many minutes (at most ${minutesMost}: ${longest})`), minutes, ...(most ? [h('label', { for: most.id }, 'All together at most, ', h('b', {}, sum.argument)), most] : []));
  const given = () => (count.value === '' ? {} : { standing: { count: Number(count.value), withinMs: Number(minutes.value || minutesMost) * minuteMs, ...(sum && { sum: { argument: sum.argument, most: Number(most.value || sum.most) } }) } });
  return { element, given };
}

const approvedWords = (state, { deadlineMs }) => (state === 'approved' ? `You approved this. It can run once, ${fromNow(deadlineMs)} at the latest.` : 'You approved this. Others have to agree as well.');

function whyNot(me, { agreed, approvals }) {
  if (me.auditor) return 'You are an auditor here: you see this and change nothing.';
  if (approvals.length === 0) return 'This waits for facts, and nobody can answer it.';
  return agreed.some(({ person }) => person === me.person) ? 'You agreed to this.' : undefined;
}

function given(evidence, caps, minutes) {
  const pieces = evidence.filter(({ input }) => input.value.trim() !== '').map(({ kind, input }) => ({ kind, value: valueOf(input.value.trim()) }));
  const less = caps.filter(({ input }) => input.value !== '').map(({ name, input }) => [name, Number(input.value)]);
  const narrow = { ...(less.length > 0 && { caps: Object.fromEntries(less) }), ...(minutes.value !== '' && { untilMs: Date.now() + Number(minutes.value) * 60_000 }) };
  return { ...(pieces.length > 0 && { evidence: pieces }), ...(Object.keys(narrow).length > 0 && { narrow }) };
}

/** A number of a ticket, or JSON where the kind of evidence has more than that. */
export function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function signatureOf(hold, { agrees, seen, narrow }) {
  if (!canSign()) throw new Error('this browser has no passkeys');
  const { nonce, options } = await post(`/v1/holds/${hold}/challenge`, { agrees, seen, ...(narrow && { narrow }) });
  return { nonce, response: await sign(options) };
}
