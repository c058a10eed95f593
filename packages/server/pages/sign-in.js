import { post, sentence } from './api.js';
import { h, notice, show } from './dom.js';

/** The button is pressed by a person: following a link signs nobody in. */
export async function startSignIn(returnTo, fresh = false) {
  const { url } = await post('/sign-in/start', { return_to: returnTo, fresh });
  location.assign(url);
}

function card(title, words, label, returnTo, fault) {
  const button = h('button', { class: 'primary wide', type: 'button' }, label);
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await startSignIn(returnTo);
    } catch (error) {
      button.disabled = false;
      button.before(notice('bad', sentence(error)));
    }
  });
  return h('section', { class: 'card lone' }, h('img', { src: '/pages/mark.svg', alt: '', width: 56, height: 56 }), h('h1', {}, title), h('p', { class: 'quiet' }, words), fault && notice('bad', fault), button);
}

export const signInPage = (returnTo = '/') => show('Sign in', card('Sign in', 'Machines ask here before they act. Sign in to see what waits for you.', 'Continue to sign in', returnTo));

export const signedOutPage = () => show('Signed out', card('You are signed out', 'This browser holds nothing of yours here any more.', 'Sign in again', '/'));

/** The provider sent the browser here. What it brought goes to the server once, and out of the address at once. */
export async function backPage(arrive) {
  const query = location.search.slice(1);
  history.replaceState(null, '', '/sign-in/back');
  show('Signing in', h('section', { class: 'card lone' }, h('h1', {}, 'Signing in'), h('p', { class: 'quiet' }, 'One moment.')));
  try {
    const { return_to: returnTo } = await post('/sign-in/finish', { query: query || '-' });
    history.replaceState(null, '', returnTo);
    await arrive();
  } catch (error) {
    show('Not signed in', card('You were not signed in', 'Nothing was changed.', 'Try again', '/', sentence(error)));
  }
}
