import { get, post, remove, sentence } from './api.js';
import { h, notice, show, time } from './dom.js';
import { startSignIn } from './sign-in.js';
import { canSign, createKey, passkeyFault } from './webauthn.js';

export async function passkeysPage(me) {
  const keys = await get('/v1/passkeys');
  const again = () => passkeysPage(me);
  const list = h('ul', { class: 'rows' }, ...keys.map((key) => row(key, again)));
  show(
    'Passkeys',
    h('h1', {}, 'Passkeys'),
    h('p', { class: 'quiet' }, 'Some questions are answered with a signature. It covers exactly what you saw, so anybody can verify later what you agreed to.'),
    keys.length > 0 ? list : h('p', { class: 'empty' }, 'You have no passkey yet.'),
    me.fresh_until > Date.now() ? adding(again) : proving(),
  );
}

function row(key, again) {
  const button = h('button', { class: 'plain', type: 'button', 'aria-label': `Remove the passkey ${key.name}` }, 'Remove');
  let sure = false;
  button.addEventListener('click', async () => {
    if (!sure) {
      sure = true;
      button.textContent = 'Really remove?';
      button.classList.add('bad');
      return;
    }
    button.disabled = true;
    try {
      await remove(`/v1/passkeys/${key.id}`);
      await again();
    } catch (error) {
      button.after(notice('bad', sentence(error)));
    }
  });
  return h('li', { class: 'row flat' }, h('div', {}, h('strong', {}, key.name), h('p', { class: 'quiet' }, 'added ', time(key.added))), button);
}

/** Who may add a key has just proved who they are: an open browser is not enough. */
function proving() {
  const button = h('button', { class: 'primary', type: 'button' }, 'Sign in again to add one');
  button.addEventListener('click', async () => {
    button.disabled = true;
    await startSignIn('/passkeys', true).catch((error) => button.after(notice('bad', sentence(error))));
  });
  return h('section', { class: 'card' }, h('h2', {}, 'Add a passkey'), h('p', { class: 'quiet' }, 'Adding a passkey needs a sign-in of the last five minutes.'), button);
}

function adding(again) {
  const name = h('input', { id: 'key-name', name: 'name', required: true, maxlength: 64, autocomplete: 'off', placeholder: 'Laptop' });
  const button = h('button', { class: 'primary', type: 'submit' }, 'Add a passkey');
  const fault = h('div');
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    fault.replaceChildren();
    try {
      if (!canSign()) throw new Error('this browser has no passkeys');
      const credential = await createKey(await post('/v1/passkeys/begin'));
      await post('/v1/passkeys', { name: name.value.trim(), credential });
      await again();
    } catch (error) {
      button.disabled = false;
      fault.replaceChildren(notice('bad', passkeyFault(error) ?? sentence(error)));
    }
  };
  return h('form', { class: 'card', submit }, h('h2', {}, 'Add a passkey'), h('label', { for: 'key-name' }, 'A name for it'), name, fault, button);
}
