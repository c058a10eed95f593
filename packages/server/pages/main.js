import { post, sentence, whoAmI } from './api.js';
import { h, notice, show } from './dom.js';
import { inboxPage } from './inbox.js';
import { passkeysPage } from './passkeys.js';
import { questionPage } from './question.js';
import { backPage, signedOutPage, signInPage } from './sign-in.js';
import { togetherPage } from './together.js';

/** Counts pages, so that what a page still waits for does not draw over the next one. */
let place = 0;

async function arrive() {
  const here = ++place;
  const isHere = () => here === place;
  const path = location.pathname;
  if (path === '/sign-in/back') return backPage(arrive);
  try {
    const me = await whoAmI();
    navigation(me, path);
    if (path === '/signed-out' && !me) return signedOutPage();
    if (!me) return signInPage(afterSignIn(path));
    const hold = /^\/holds\/([0-9a-f-]{36})$/.exec(path)?.[1];
    if (hold) return await questionPage(me, hold, isHere);
    if (path === '/passkeys') return await passkeysPage(me);
    if (path === '/together') return await togetherPage(me, location.hash, isHere);
    return await inboxPage(me, isHere);
  } catch (error) {
    if (!isHere()) return;
    if (error.status === 401) return signInPage(afterSignIn(path));
    show('Not shown', h('section', { class: 'card lone' }, h('h1', {}, error.status === 404 ? 'Not for you, or not there' : 'This cannot be shown'), notice('bad', sentence(error)), h('a', { class: 'button', href: '/' }, 'To your inbox')));
  }
}

/** Which questions were together is known to this page only. */
const afterSignIn = (path) => (path === '/sign-in' || path === '/together' ? '/' : path);

function navigation(me, path) {
  const link = (href, text) => h('a', { href, 'aria-current': path === href ? 'page' : undefined }, text);
  const out = async () => {
    await post('/sign-out').catch(() => undefined);
    history.pushState(null, '', '/signed-out');
    await arrive();
  };
  const children = me ? [link('/', 'Inbox'), link('/passkeys', 'Passkeys'), h('span', { class: 'me', title: 'signed in as' }, me.person), h('button', { type: 'button', class: 'plain', click: out }, 'Sign out')] : [];
  document.getElementById('nav').replaceChildren(...children);
}

addEventListener('popstate', () => void arrive());
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a[href^="/"]') : null;
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, '', link.getAttribute('href'));
  void arrive().then(() => undefined);
  document.getElementById('main').focus({ preventScroll: true });
  scrollTo(0, 0);
});

void arrive();
